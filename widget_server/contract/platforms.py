"""The platforms that there is code for: every folder of `integrations` that brings an integration."""

from functools import cache

from integrations import Integration

from .registry import load_all


@cache
def platforms() -> dict[str, Integration]:
    """Every integration by its name."""
    return load_all("integrations", "integration", only_folders=True)


def handles(platform: str, kind: str) -> bool:
    """Whether there is such a platform and it takes messages of this kind."""
    found = platforms().get(platform)
    return found is not None and any(each.__name__ == kind for each in found.handles)
