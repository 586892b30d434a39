"""The owner API, one file a resource. Each defines RESOURCE."""
