from django.apps import AppConfig


class BackgroundConfig(AppConfig):
    """Background jobs. The label keeps the names of the tables that plants already have."""

    name = "backflush.background"
    label = "errands"
