"""The address that a request comes from, behind trusted proxies too.

A proxy adds the address that it was asked from at the end of `X-Forwarded-For`. Only what trusted proxies added is
believed: the header is read from its end, and the first address that isn't a trusted proxy's is the caller's.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from backflush.people.security_log import within

FORWARDED: Final = "HTTP_X_FORWARDED_FOR"
Networks = Sequence[IPv4Network | IPv6Network]
View = Callable[[HttpRequest], HttpResponseBase]


def addressed(answer: View) -> View:
    """Middleware that puts the caller's own address into REMOTE_ADDR, and tells it to the security log."""

    def with_address(request: HttpRequest) -> HttpResponseBase:
        request.META["REMOTE_ADDR"] = caller(
            request.META.get("REMOTE_ADDR", ""), request.META.get(FORWARDED, ""), settings.PROXY_ADDRESSES
        )
        with within(request, address_of(request)):
            return answer(request)

    return with_address


def caller(connected: str, forwarded: str, trusted: Networks) -> str:
    """Return the caller's address, from the address that is connected and the header of proxies."""
    address = connected
    for before in reversed([one.strip() for one in forwarded.split(",")] if forwarded else []):
        if not _is_of(address, trusted) or not _parsed(before):
            break
        address = before
    return address


def address_of(request: HttpRequest | None) -> str:
    """Return the address that a request comes from, as it is counted: of IPv6 the network of 64 bits, which is one
    customer's. Empty for the command line."""
    text = request.META.get("REMOTE_ADDR", "") if request is not None else ""
    address = _parsed(text)
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address) if address else ""


def _is_of(text: str, networks: Networks) -> bool:
    address = _parsed(text)
    return address is not None and any(address in network for network in networks)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
