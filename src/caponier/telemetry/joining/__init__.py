"""What several records say of one request, put together: who asked, what was asked, and what was answered."""
