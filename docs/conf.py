"""Build the pages from the root of the checkout, so that links between them hold.

sphinx-build -W -c docs . docs/_build
"""

import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

project = 'rsp'
copyright = 'the contributors of rsp'
release = re.search(
    r"'([^']+)'", (Path(__file__).parents[1] / 'rsp/version.py').read_text()
).group(1)

extensions = [
    'myst_nb',
    'sphinx.ext.autodoc',
    'sphinx.ext.doctest',
    'sphinx.ext.napoleon',
    'public_names',
]
autodoc_typehints = 'none'
# External links; internal ones are resolved by every build.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_anchors = False
# Publishers and mirrors that turn programs away.
linkcheck_ignore = [r'https://(doi\.org|ieeexplore\.ieee\.org|pan\.baidu\.com)/.*']
myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 4
root_doc = 'docs/index'
source_suffix = {'.md': 'myst-nb', '.ipynb': 'myst-nb'}
# Their outputs are saved in them; tests/test_notebooks.py runs them.
nb_execution_mode = 'off'
include_patterns = [
    'README.md',
    'docs/*.md',
    'docs/notebooks/*.ipynb',
    'configs/**/*.md',
    'projects/*.md',
    'projects/*/*.md',
    'data/quickstart/README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
]
# Pages that others link to and no table of contents lists; files that are no pages
# become downloads.
suppress_warnings = ['toc.not_included', 'myst.header']
html_theme = 'pydata_sphinx_theme'
html_title = f'rsp {release}'
html_theme_options = {
    'show_prev_next': False,
    'navigation_with_keys': False,
    'header_links_before_dropdown': 4,
}
html_copy_source = False
html_static_path = ['static']
html_css_files = ['narrow.css']
# One level of pages: the header lists them all.
html_sidebars = {'**': []}
