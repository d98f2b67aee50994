"""The seed's models, as they were written."""
from django.conf import settings
from django.db import models


class ChatRoom(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, related_name="owned_room_set", on_delete=models.PROTECT)
    title = models.CharField(max_length=50)
    member_set = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="joined_room_set", blank=True)


class ChatMessage(models.Model):
    room = models.ForeignKey(ChatRoom, related_name="message_set", on_delete=models.CASCADE)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, related_name="message_set", on_delete=models.PROTECT)
    posted = models.DateTimeField(auto_now_add=True)
    message = models.CharField(max_length=200)


class ChatRoomJoinRequest(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, related_name="join_request_set", on_delete=models.CASCADE)
    room = models.ForeignKey(ChatRoom, related_name="join_request_set", on_delete=models.CASCADE)
