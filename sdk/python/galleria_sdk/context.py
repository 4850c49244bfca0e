"""What surrounds a call."""

import re
from typing import Any, Tuple

from .fault import Invalid, Misconfigured

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def variant(value: Any) -> Tuple[str, Any]:
    """The case of a variant as the contract names it, and what it carries.

    Of `line.kind` for instance: `("item", None)` or `("gift-card-sale", "6006***")`; the same for
    `refund.origin`, `cancelled.cause` and the outcome of an age check.
    """
    if isinstance(value, str):  # A test may write a case without content as text.
        return value.replace("_", "-"), None
    name = getattr(value, "name", None)
    if isinstance(name, str) and name.isupper():  # An enum, which carries nothing.
        return name.lower().replace("_", "-"), None
    case = type(value).__name__.split("_")[1]
    return _CAPITAL.sub("-", case).lower(), getattr(value, "value", None)


class Context:
    """What surrounds a call. Two calls with the same context and argument decide the same."""

    def __init__(self, raw: Any, settings: Any):
        self._raw = raw
        self.settings = settings
        """The plugin's settings for this store, as `SETTINGS` of the plugin reads them."""
        self.event_id = raw.event_id
        """The event's identity: the same on every attempt."""
        self.attempt = raw.attempt
        """1 for the first attempt. A decision should not depend on it."""
        self.occurred_at = raw.occurred_at
        """RFC 3339 with the store's offset; also the only clock there is."""
        self.business_date = raw.business_date
        """`YYYY-MM-DD`, with the hour at which the store's day turns over applied."""
        self.prior = raw.prior
        """Documents that earlier decisions about the same order wrote."""

    @property
    def store(self) -> Any:
        """The store it is about; `Invalid` in a run over all stores of a retailer."""
        case, content = variant(self._raw.scope)
        if case != "store":
            message = "a store is needed, and this is a run over all stores of a retailer"
            raise Invalid("context.scope", message)
        return content

    @property
    def retailer(self) -> str:
        """The retailer's name, whether the call is about one store or all."""
        case, content = variant(self._raw.scope)
        return content.retailer if case == "store" else content

    def counter(self, name: str) -> int:
        """The number the host took for this event, by its name under `[counters]` in `plugin.toml`."""
        for counter in self._raw.counters:
            if counter.name == name:
                return counter.value
        message = "the host took no such number: name it under [counters] in plugin.toml"
        raise Misconfigured(f"counters.{name}", message)
