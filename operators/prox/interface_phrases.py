"""Phrases by which lines of a page's interface are told from its text, in small letters.

Letters outside ASCII are compared as they stand. A
selection of our own from pages in general, mostly English. Longer lists find more, and lose more prose.
"""

from typing import Final

INTERFACE_PHRASES: Final = (
    "skip to content", "skip to main content", "skip to navigation", "jump to navigation", "privacy policy",
    "privacy notice", "privacy statement", "cookie policy", "cookie settings", "terms of use", "terms of service",
    "terms and conditions", "terms & conditions", "sign in", "sign-in", "sign up", "sign out", "log in", "log-in",
    "log out", "login", "logout", "subscribe", "unsubscribe", "newsletter", "newsletters", "share this", "share on",
    "share via", "share", "tweet", "follow us", "back to top", "advertisement", "advertise", "ad choices", "adchoices",
    "skip ad", "report this ad", "sponsored", "related articles", "related posts", "related stories", "read more",
    "view all", "view more", "view comments", "see all", "show more", "load more", "most popular", "most read",
    "most viewed", "trending", "leave a comment", "leave a reply", "post a comment", "add a comment", "comments",
    "powered by", "contact us", "about us", "site map", "sitemap", "site index", "rss", "permalink", "print this",
    "email this", "click here", "you may also like", "recommended for you", "next article", "next post", "next story",
    "previous article", "previous post", "newer posts", "older posts", "my account", "toggle navigation", "main menu",
    "open menu", "close menu", "listen live", "watch live", "rights and permissions", "do not sell my",
    "corrections policy", "mentions legales", "politique de confidentialite", "conditions generales",
    "politica de privacidad", "aviso legal", "iniciar sesion",
)  # fmt: skip
"""What pages ask their readers to do. A short line that holds one goes."""

MENU_WORDS: Final = (
    "facebook", "twitter", "google+", "pinterest", "linkedin", "instagram", "youtube", "whatsapp", "reddit", "home",
    "search", "menu", "close", "help", "forums", "careers", "jobs", "settings", "archive", "archives", "categories",
    "tags", "contact", "about", "blog", "news", "sports", "video", "videos", "photos", "store", "shop", "more", "edit",
    "print", "email", "save", "reply", "undo", "feedback", "next", "previous", "advertising", "register", "faq",
    "support", "feeds", "topics", "account", "profile", "mobile", "apps", "podcasts", "events", "business", "politics",
    "world", "health", "sport", "science", "technology", "tech", "entertainment", "travel", "opinion", "opinions",
    "weather", "music", "movies", "books", "lifestyle", "style", "food", "tv", "radio", "games", "gaming", "arts",
    "culture", "education", "money", "finance", "magazine", "features", "reviews", "community", "members", "membership",
    "donate", "legal", "press", "investors", "partners", "developers", "services", "products", "solutions", "resources",
    "company", "pricing", "download", "downloads", "wiki", "staff", "authors", "editors", "contributors", "masthead",
    "classifieds", "deals", "gift guide", "gallery", "galleries", "autos", "real estate", "obituaries", "crossword",
    "markets", "economy", "fashion", "beauty", "family", "parenting", "local", "international", "inicio", "contacto",
    "registrarse", "noticias", "deportes", "accueil", "connexion", "startseite", "anmelden", "impressum", "datenschutz",
    "kontakt", "kultur", "politik", "wirtschaft", "cultura", "economia", "politique", "sociedad", "tecnologia",
)  # fmt: skip
"""Entries of menus. They go only in a menu, of which some lines are such words and nothing else."""

NOTICES: Final = ("all rights reserved", "use cookies", "uses cookies", "using cookies")
"""What notices at the end of a page say, beside a copyright with its year."""
COPYRIGHT_SIGNS: Final = ("copyright", "(c)", "©")
