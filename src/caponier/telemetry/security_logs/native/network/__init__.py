"""What servers, proxies and firewalls on the way write of requests and connections, as lines of text."""
