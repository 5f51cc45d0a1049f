/** How the page looks on a screen, light and dark, wide and narrow, and on paper. */
export const SHEET = `
:root{--ground:#f7f7f5;--surface:#fff;--ink:#1b1d22;--quiet:#5a6070;--line:#dfe1e6;--track:#e9ebf0;--relevance:#d9480f;--attention:#5f3dc4;--focus:#1864ab;--cell:9px;--radius:10px}
@media screen and (prefers-color-scheme:dark){:root{--ground:#111318;--surface:#1a1d24;--ink:#eceef2;--quiet:#a0a7b5;--line:#2d313b;--track:#2b2f39;--relevance:#ff922b;--attention:#9f86ff;--focus:#74c0fc}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:clamp(1.5rem,4.4vw,2.3rem);line-height:1.2;margin:.2em 0 .3em;letter-spacing:-.01em;white-space:pre-line}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 .4em}
h3{font-size:1.02rem;margin:1.8em 0 .3em}
h4{font-size:1rem;margin:0;display:flex;flex-wrap:wrap;gap:0 12px;justify-content:space-between;align-items:baseline}
p{margin:.3em 0 1em;max-width:75ch}
.kicker{color:var(--quiet);font-size:.8rem;letter-spacing:.09em;text-transform:uppercase;margin:0}
.meta,.small,figcaption,.legend,.where{color:var(--quiet);font-size:.88rem}
.where{font-weight:400}
section{background:var(--surface);border:1px solid var(--line);border-radius:var(--radius);padding:24px;margin:20px 0}
.answer{font-size:1.6rem;line-height:1.35;font-weight:650;margin:.1em 0 .5em;white-space:pre-line;max-width:none}
.chips{list-style:none;display:flex;flex-wrap:wrap;gap:8px;padding:0;margin:0 0 1.2em}
.chips li>a,.chips li:not(:has(a)){display:block;border:1px solid var(--line);border-radius:99px;padding:3px 14px;color:inherit;text-decoration:none;font-variant-numeric:tabular-nums}
.chips a:hover{border-color:var(--attention)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:1.2em 0 .6em}
.figures div{border-top:2px solid var(--line);padding-top:8px}
dt{color:var(--quiet);font-size:.82rem}
dd{margin:0;font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}
dd span{display:block;font-size:.84rem;font-weight:400;color:var(--quiet)}
summary{cursor:pointer;color:var(--quiet)}
.chart{margin:1.2em 0 .6em}
.chart svg{display:block;width:100%;height:auto;min-height:150px;background:linear-gradient(var(--track),var(--track)) 0 100%/100% 1px no-repeat}
path.relevance{fill:var(--relevance)}
path.attention{fill:var(--attention)}
.axis{position:relative;height:1.7em;border-top:1px solid var(--quiet);font-size:.8rem;color:var(--quiet);font-variant-numeric:tabular-nums}
.tick{position:absolute;top:0;transform:translateX(-50%);padding-top:5px;white-space:nowrap}
.tick::before{content:"";position:absolute;left:50%;top:0;height:5px;border-left:1px solid var(--quiet)}
.tick.first{transform:none}.tick.first::before{left:0}
.tick.last{transform:translateX(-100%)}.tick.last::before{left:100%}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 22px;padding:0;margin:.4em 0 0}
.swatch{display:inline-block;width:14px;height:14px;border-radius:3px;margin-right:7px;vertical-align:-2px}
.swatch.relevance,.meter .relevance{background:var(--relevance)}
.swatch.attention,.meter .attention{background:var(--attention)}
.swatch.window{background:linear-gradient(90deg,var(--h2),var(--h6))}
.controls{display:flex;flex-wrap:wrap;gap:8px 28px;align-items:center}
.controls label{cursor:pointer}
input{accent-color:var(--relevance);width:17px;height:17px;vertical-align:-3px;margin:0 6px 0 0}
.scale{display:inline-flex;align-items:center;gap:8px;font-size:.84rem;color:var(--quiet);white-space:nowrap}
.scale .ramp{width:120px;height:12px;border-radius:3px}
.scale .cells{display:inline-flex;gap:1px}
.frames{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:20px;margin-top:1.2em}
figure{margin:0;min-width:0}
.picture{display:block;position:relative;overflow:hidden;border-radius:6px;background:var(--track)}
.picture img{display:block;width:100%;height:100%;object-fit:fill}
.frame img,.members img{image-rendering:auto}
.heat{position:absolute;image-rendering:pixelated;pointer-events:none}
body:has(#heat:not(:checked)) .heat{display:none}
.frame:target .picture,.strip li:target .picture{outline:3px solid var(--focus);outline-offset:2px}
figcaption{padding-top:6px}
figcaption b{color:var(--ink);white-space:nowrap;font-variant-numeric:tabular-nums}
.meter{display:grid;grid-template-columns:auto 1fr 6.2em;gap:8px;align-items:center;font-size:.84rem;font-variant-numeric:tabular-nums}
.meter>span:first-child{min-width:4.4em}
.meter>span:last-child{text-align:right;white-space:nowrap}
.track{display:block;height:7px;border-radius:4px;background:var(--track);overflow:hidden}
.track i{display:block;height:100%;min-width:1px}
.strip{list-style:none;display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:12px 8px;padding:4px;margin:.6em -4px 0;max-height:560px;overflow:auto}
.strip.many{grid-template-columns:repeat(auto-fill,minmax(58px,1fr));gap:8px 5px}
.strip li{min-width:0}
.strip li>i{display:block;height:4px;min-width:2px;margin-top:3px;border-radius:2px}
.strip .picture{border-radius:3px}
i[class^=r]:not(.ramp):not(.relevance){background:var(--relevance)}
i[class^=a]:not(.attention){background:var(--attention)}
.strip .name{display:block;font-size:.72rem;line-height:1.5;color:var(--quiet);font-variant-numeric:tabular-nums;white-space:nowrap}
.flow{list-style:none;display:flex;flex-wrap:wrap;gap:10px 26px;align-items:center;padding:0;margin:.4em 0}
.flow b{display:block;font-size:1.15rem;font-variant-numeric:tabular-nums}
.flow span{display:block;color:var(--quiet);font-size:.86rem}
.arrow{font-size:1.5rem;color:var(--quiet)}
.windows{display:grid;grid-template-columns:repeat(auto-fill,minmax(290px,1fr));gap:18px;margin-top:1em}
.card{border:1px solid var(--line);border-radius:8px;padding:14px}
.card p{margin:.1em 0 .7em}
.attention-text{color:var(--attention)}
.members{display:grid;gap:10px}
.box{position:absolute;display:grid;outline:2px solid #fff;outline-offset:-1px;box-shadow:0 0 0 3px rgb(0 0 0/.7)}
.context{display:grid;gap:14px}
.prompt{border-left:3px solid var(--line);padding-left:14px}
.prompt b,.tokens>b{display:inline-block;font-size:.86rem;font-weight:600;margin-right:16px}
pre{margin:.2em 0 0;white-space:pre-wrap;font:.86rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;max-height:14em;overflow:auto}
.tokens{border-left:3px solid var(--attention);padding-left:14px}
div.cells{display:flex;flex-wrap:wrap;gap:5px;margin-top:10px}
.step{display:grid;gap:1px}
.step i,.scale .cells i{width:var(--cell);height:var(--cell);border-radius:2px}
.note{margin:1.2em 0 0}
table{border-collapse:collapse;width:100%;margin-top:10px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);font-weight:400}
thead th{color:var(--quiet);font-size:.84rem}
td .meter{grid-template-columns:1fr 6.2em}
td .meter>span:first-child{display:none}
footer{color:var(--quiet);font-size:.84rem;padding-bottom:40px}
@media(max-width:640px){
header,main,footer{padding-left:12px;padding-right:12px}
header{padding-top:24px}
section{padding:16px 14px;margin:14px 0}
.frames{grid-template-columns:1fr}
.tick.minor{display:none}
.windows{grid-template-columns:1fr}
.meter{grid-template-columns:auto 1fr 5em}
.strip{max-height:440px;grid-template-columns:repeat(auto-fill,minmax(76px,1fr))}
:root{--cell:8px}
}
@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{
body{font-size:11pt;background:#fff}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
section,figure,.card,tr{break-inside:avoid}
section{border:0;padding:0 0 12px}
section:has(.strip){break-inside:auto}
.strip,pre{max-height:none;overflow:visible}
.controls label,input{display:none}
.frames{grid-template-columns:repeat(4,1fr)}
}`
