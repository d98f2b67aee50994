"""The tables of the chat and of the jobs, as a site that has had them for years would describe them."""
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class User(AbstractBaseUser):
    last_login = None  # the table has no such column
    username = models.CharField(max_length=150, unique=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager()
    USERNAME_FIELD = "username"

    class Meta:
        managed = False
        db_table = "users"

    def has_perm(self, perm, obj=None):
        return self.is_active and self.is_staff

    def has_module_perms(self, app_label):
        return self.is_active and self.is_staff


class ChatRoom(models.Model):
    owner = models.ForeignKey(User, related_name="owned_room_set", on_delete=models.PROTECT)
    title = models.CharField(max_length=50)
    member_set = models.ManyToManyField(User, related_name="joined_room_set", through="ChatRoomMember")

    class Meta:
        managed = False
        db_table = "chat_rooms"


class ChatRoomMember(models.Model):
    room = models.ForeignKey(ChatRoom, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)

    class Meta:
        managed = False
        db_table = "chat_room_members"


class ChatMessage(models.Model):
    room = models.ForeignKey(ChatRoom, related_name="message_set", on_delete=models.CASCADE)
    sender = models.ForeignKey(User, related_name="message_set", on_delete=models.PROTECT)
    posted = models.DateTimeField(auto_now_add=True)
    message = models.CharField(max_length=200)

    class Meta:
        managed = False
        db_table = "chat_messages"


class ChatRoomJoinRequest(models.Model):
    STATUSES = [("pending", "Pending"), ("admitted", "Admitted"), ("denied", "Denied")]

    user = models.ForeignKey(User, related_name="join_request_set", on_delete=models.CASCADE)
    room = models.ForeignKey(ChatRoom, related_name="join_request_set", on_delete=models.CASCADE)
    status = models.CharField(max_length=10, choices=STATUSES, default="pending")

    class Meta:
        managed = False
        db_table = "chat_join_requests"


class JobPosting(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    title = models.TextField(blank=True)
    state = models.TextField()
    progress = models.IntegerField(default=0)

    class Meta:
        managed = False
        db_table = "job_postings"
