from django.apps import AppConfig


class WebConfig(AppConfig):
    """The browser's door: templates, tags and static files."""

    name = "backflush.web"
    label = "web"
