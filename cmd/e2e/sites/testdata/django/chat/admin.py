from django.contrib import admin

from . import models


@admin.register(models.User)
class UserAdmin(admin.ModelAdmin):
    fields = ["username", "first_name", "last_name", "is_active", "is_staff"]


admin.site.register([models.ChatRoom, models.ChatRoomMember, models.ChatMessage, models.ChatRoomJoinRequest, models.JobPosting])
