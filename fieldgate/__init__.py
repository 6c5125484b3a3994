"""The import path promised to authors of outside drivers; nothing lives here."""
