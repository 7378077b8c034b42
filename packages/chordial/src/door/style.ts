/** The style of the pages of the door, in the colours of the page of a peer (web/src/style.css). */
export const style = `
:root{color-scheme:light dark;--ground:#fbfbfc;--raised:#fff;--ink:#1b1d22;--soft:#5d6370;--line:#e3e5ea;--edge:#b4bac6;--accent:#3451b2;--accent-ink:#fff;--accent-ground:#eef1fb;--bad:#c62a2f;--bad-ground:#fdecec;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media (prefers-color-scheme:dark){:root{--ground:#101114;--raised:#18191d;--ink:#eceef2;--soft:#a1a7b3;--line:#2b2e35;--edge:#565b67;--accent:#9eb1ff;--accent-ink:#101426;--accent-ground:#1f2540;--bad:#ff9a9c;--bad-ground:#3a1a1c}}
*,*::before,*::after{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--ground);color:var(--ink);overflow-wrap:anywhere}
p,h1,ul,figure,pre,nav{margin:0;padding:0}
ul{list-style:none}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
header{display:flex;align-items:center;gap:.55rem;height:54px;padding:0 1.25rem;font-weight:650;letter-spacing:-.01em;background:var(--raised);border-bottom:1px solid var(--line)}
.mark{width:24px;height:24px;color:var(--accent);fill:var(--accent)}
main{display:grid;gap:1rem;max-width:46rem;margin:0 auto;padding:1.5rem 1.25rem calc(3rem + env(safe-area-inset-bottom))}
main>*{min-width:0}
.card{background:var(--raised);border:1px solid var(--line);border-radius:12px;padding:1.25rem}
.lone{margin-top:8vh;text-align:center;padding:2.5rem 1.25rem;text-wrap:balance}
.lone h1{font-size:1.1rem;font-weight:500}
h1{font-size:1.3rem;line-height:1.3;font-weight:650;letter-spacing:-.01em}
.from,.facts,.soft{color:var(--soft)}
.from{margin-bottom:.15rem}
.facts{margin-top:.35rem}
.facts span{white-space:nowrap}
.facts span+span::before{content:"·";margin:0 .45rem}
.actions{display:flex;flex-wrap:wrap;gap:.6rem;margin-top:1.1rem}
.button,button{display:inline-block;font:inherit;font-weight:600;text-align:center;color:var(--accent-ink);background:var(--accent);border:1px solid var(--accent);border-radius:10px;padding:.65rem 1.5rem;cursor:pointer}
.button:hover{text-decoration:none;filter:brightness(1.06)}
button[disabled]{cursor:default;opacity:.6}
.plain{color:var(--ink);background:var(--raised);border-color:var(--edge)}
label{display:block;margin:1rem 0 .3rem;font-weight:500}
input{width:100%;font:inherit;color:inherit;background:var(--ground);border:1px solid var(--edge);border-radius:10px;padding:.6rem .8rem}
.failure{background:var(--bad-ground);color:var(--bad);border-radius:8px;padding:.6rem .9rem;margin-top:1rem}
.preview{display:flex;justify-content:center;background:var(--raised);border:1px solid var(--line);border-radius:12px;overflow:hidden}
.preview img,.preview video{display:block;max-width:100%;max-height:75vh}
.preview audio{width:100%;margin:1rem}
pre{width:100%;max-height:70vh;overflow:auto;padding:1rem 1.25rem;font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;tab-size:4}
.note{font-size:.9rem;color:var(--soft);padding:0 .25rem}
code{display:block;margin-top:.25rem;padding:.6rem .8rem;background:var(--raised);border:1px solid var(--line);border-radius:8px;color:var(--ink);font:.85rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;user-select:all}
.crumbs{font-size:.95rem;color:var(--soft)}
.crumbs a,.pages a{padding:.15rem 0}
.entries{padding:.25rem 0}
.entries li+li{border-top:1px solid var(--line)}
.entries a{display:flex;gap:.8rem;align-items:center;min-height:48px;padding:.5rem 1.25rem;color:var(--ink)}
.entries a:hover{background:var(--accent-ground);text-decoration:none}
.entries svg{flex:none;width:20px;height:20px;fill:none;stroke:var(--soft);stroke-width:1.7;stroke-linejoin:round}
.entries .folder svg{stroke:var(--accent)}
.entries .name{flex:1;min-width:0}
.entries .soft{white-space:nowrap;font-size:.9rem;font-variant-numeric:tabular-nums}
.pages{display:flex;justify-content:space-between;align-items:center;gap:1rem;color:var(--soft)}
progress{width:100%;height:8px;margin-top:1rem;appearance:none;border:0;border-radius:4px;overflow:hidden;background:var(--line)}
progress::-webkit-progress-bar{background:var(--line)}
progress::-webkit-progress-value{background:var(--accent)}
progress::-moz-progress-bar{background:var(--accent)}
.drop{display:flex;flex-direction:column;align-items:center;gap:.9rem;margin-top:1.1rem;padding:2rem 1rem;border:2px dashed var(--edge);border-radius:12px;color:var(--soft);cursor:pointer}
.drop.over,.drop:hover{border-color:var(--accent);background:var(--accent-ground)}
.drop .wide{display:none}
@media (hover:hover){.drop .wide{display:inline}}
.unseen{position:absolute;width:1px;height:1px;padding:0;border:0;opacity:0;overflow:hidden}
.unseen:focus-visible{outline:none}
:has(>.unseen:focus-visible) .drop{outline:2px solid var(--accent);outline-offset:2px}
.sending{padding:.7rem 1.25rem}
.sending div{display:flex;flex-wrap:wrap;gap:.1rem .8rem;align-items:center;min-height:36px}
.sending .name{flex:1 1 12rem;min-width:0}
.sending .soft{white-space:normal;font-size:.9rem;font-variant-numeric:tabular-nums}
.sending progress{margin:.4rem 0 .3rem}
.small{font-size:.9rem;font-weight:500;padding:.25rem .8rem;border-radius:8px}
.failed .soft{color:var(--bad)}
.done .soft::before{content:"✓ ";color:var(--accent)}
@media (max-width:30rem){main{padding:1rem .75rem 3rem}.actions .button,.actions button{flex:1 0 100%}}
`;
