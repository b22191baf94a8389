"""The ASGI application that `backflush serve` runs: the pages and the API behind their gateway."""

from backflush.config.wsgi import application as wsgi
from backflush.delivery.gateway import Gateway

application = Gateway(wsgi)
