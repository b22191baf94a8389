from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Whoever books, resolves or sets up; every posting names one."""
