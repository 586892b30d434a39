"""Which user agents are robots by their own word: crawlers, link previews, mail scanners, monitors, headless browsers.

What is named here doesn't shop. A browser that a person holds must never be among them, so words are matched with care
(CUBOT makes phones). Who names nothing at all, and programs that speak HTTP (curl, okhttp, a shop's own server that hands
events on), are not held to be robots: that is how apps and shops use the documented way in, and whoever means harm
writes a browser's name anyway. Against those stands the limit of one network (`burst`).
"""

import re
from functools import lru_cache

# Longer ones say nothing more, and nobody may fill the cache with them.
_LONGEST = 1000

_ROBOT = re.compile(
    r"(?<!cu)bots?(?![a-z])|robot|crawl|spider|slurp|scrap(?:er|y)|archiver|heritrix"
    # the address that a robot's maker leaves behind a plus, for complaints
    r"|\+ ?https?://|\+www\."
    # browsers without a screen, and those that a program drives
    r"|headless|phantomjs|slimerjs|htmlunit|jsdom|puppeteer|playwright|selenium|webdriver|cypress/|splash[/ ]|prerender|rendertron"
    # search engines and those who read aloud, preview or translate for somebody
    r"|mediapartners-google|adsbot|apis-google|feedfetcher|googleother|google-(?:\w+-)*(?:inspection|verification|extended|safety|read)"
    r"|googleimageproxy|yahoomailproxy|yahoo link preview|duckduckgo-favicons|yandex\.com/bots|baiduspider|sogou web"
    r"|facebookexternalhit|facebookcatalog|meta-external|cortex/|bingpreview|uripreview|web preview|linkpreview|link preview"
    r"|favicon|fetcher|search console|duplexweb|embedly|quora link|outbrain|vkshare|bitlybot|pinterest/0|tumblr/1|flipboardproxy|whatsapp/|skypeuri|iframely"
    # whoever measures: speed, reachability, accessibility, security
    r"|lighthouse|page ?speed|gtmetrix|ptst/|webpagetest|yellowlab|pingdom|statuscake|site24x7|uptime|updown\.io|hetrix|freshping"
    r"|synthetic|catchpoint|checkly|newrelicpinger|datadog|nagios|check_http|monitoring|monitis|montastic|alertra|sitechecker"
    r"|yottaa|gomezagent|dejaclick|dareboost|observatory|linkcheck|auditor|taginspector|securityheaders|pageburst|archivebox"
    r"|w3c[_-]|validator|nessus|qualys|nmap|burpcollab|nikto|acunetix|sqlmap|netsparker|detectify|censys|zgrab|masscan|expanse|sucuri|wpscan"
    # mail scanners that open the links of a message
    r"|barracuda|mimecast|proofpoint|ironport|messagelabs|symantec|fireeye|trendmicro|safelinks|urldefense|emailproxy|mail\.ukr\.net",
    re.IGNORECASE,
)


def is_robot(user_agent: str) -> bool:
    """Whether a User-Agent says that nobody sits in front of it.

    >>> is_robot("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    True
    >>> is_robot("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36")
    False
    """
    return _says_so(user_agent[:_LONGEST])


@lru_cache(maxsize=4096)
def _says_so(user_agent: str) -> bool:
    return _ROBOT.search(user_agent) is not None
