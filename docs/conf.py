"""The configuration of Sphinx for the documentation: ``make docs``."""

import django
from django.conf import settings

# Enough for autodoc to import the package.
settings.configure(INSTALLED_APPS=["crossdb_reference"])
django.setup()

project = "django-crossdb-reference"
author = "the django-crossdb-reference maintainers"
project_copyright = "2026, the django-crossdb-reference maintainers"
release = "0.1.0"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "examples"]
# Messages are shown as they are, to be found when searched for.
smartquotes = False
html_theme = "furo"
html_title = "django-crossdb-reference"
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_theme_options = {"navigation_with_keys": True}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
