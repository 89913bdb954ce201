"""Widgets below the answers of magics: data stays in the kernel, and the browser asks for what it shows."""
