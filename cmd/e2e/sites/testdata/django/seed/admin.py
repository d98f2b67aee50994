from django.contrib import admin

from . import models

admin.site.register([models.ChatRoom, models.ChatMessage, models.ChatRoomJoinRequest])
