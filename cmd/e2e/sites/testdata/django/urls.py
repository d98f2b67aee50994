"""The admin, login and logout for everybody, and a page that says who one is."""
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.http import JsonResponse
from django.urls import path


def whoami(request):
    return JsonResponse({"user": request.user.pk})


urlpatterns = [
    path("", whoami),
    path("login/", LoginView.as_view(template_name="admin/login.html")),
    path("logout/", LogoutView.as_view(next_page="/")),
    path("admin/", admin.site.urls),
]
