from django.apps import AppConfig


class WebConfig(AppConfig):
    """The pages: templates, template tags and static files."""

    name = "backflush.web"
    label = "web"
