"""The context of a call."""

from typing import Any

from .fault import Invalid, Misconfigured
from .text import variant


class Context:
    """The context of a call. Two calls with the same context and argument must decide the same."""

    def __init__(self, raw: Any, settings: Any):
        self._raw = raw
        self.settings = settings
        """The plugin's settings for this store, parsed by `SETTINGS`."""
        self.event_id = raw.event_id
        """The event's id. Every attempt gets the same one."""
        self.attempt = raw.attempt
        """The number of the attempt, from 1. A decision should not depend on it."""
        self.occurred_at = raw.occurred_at
        """When the event happened, in RFC 3339 with the store's offset. A plugin has no other clock."""
        self.business_date = raw.business_date
        """`YYYY-MM-DD`. It accounts for the hour at which the store's business day starts."""
        self.prior = raw.prior
        """The documents that earlier decisions about the same order wrote."""

    @property
    def store(self) -> Any:
        """The store of the call; `Invalid` in a run over all stores of a retailer."""
        case, content = variant(self._raw.scope)
        if case != "store":
            message = "a store is needed, and this is a run over all stores of a retailer"
            raise Invalid("context.scope", message)
        return content

    @property
    def retailer(self) -> str:
        """The name of the retailer, for calls of both scopes."""
        case, content = variant(self._raw.scope)
        return content.retailer if case == "store" else content

    def counter(self, name: str) -> int:
        """Returns the number that the host assigned to this event, by its name under `[counters]` in
        `plugin.toml`.
        """
        for counter in self._raw.counters:
            if counter.name == name:
                return counter.value
        message = "unknown counter: declare it under [counters] in plugin.toml"
        raise Misconfigured(f"counters.{name}", message)
