"""The content security policy: everything is loaded from this server, and no script, style or image is inline. The
permissions policy: a page may use the camera, and nothing else of the device."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

PERMISSIONS: Final = ", ".join(
    (
        # The camera scans codes on the pages themselves.
        "camera=(self)",
        *(
            f"{feature}=()"
            for feature in ("accelerometer", "display-capture", "geolocation", "gyroscope", "magnetometer")
        ),
        *(f"{feature}=()" for feature in ("microphone", "midi", "payment", "usb", "serial", "bluetooth", "hid")),
    )
)
"""The features of the device that a page may use."""


def content_security_policy(
    answer: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that adds both policies to every response."""

    def with_policy(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS
        return response

    return with_policy
