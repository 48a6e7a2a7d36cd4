/**
 * The script that pages load: `<script src="/beat/heartbeat.js" data-stream="cam1" data-token="…"></script>`. It is this terse
 * because every page loads it: at most 1,024 bytes.
 *
 * `S`: what the page sees. `c`: the connection, once there is one. `w`: one is being opened. `f`: sends a POST. `o`: opens a
 * connection. `h`: sends a heartbeat. `e`: it was refused for good.
 */
export const HEARTBEAT_SCRIPT = `(()=>{let s=document.currentScript,E=encodeURIComponent,d=s.dataset,S=window.streamSessions={sid:d.sid||Date.now()+(Math.random()+"").slice(2)},c,w,t,
u=p=>new URL(p+(d.token?"?token="+E(d.token):""),s.src),
b=()=>JSON.stringify({sid:S.sid,key:c&&c.key}),
f=p=>fetch(u(p),{method:"POST",body:b()}),
e=r=>r.json().then(j=>{S.ended=j.reason;c=0;dispatchEvent(new CustomEvent("streamsessionended",{detail:j.reason}))}),
o=()=>{if(!c&&!w&&!S.ended){w=1;f("streams/"+E(d.stream)+"/connections").then(r=>r.ok?r.json().then(j=>{c=j;clearInterval(t);t=setInterval(h,j.interval)}):r.status<429&&e(r)).catch(()=>0).then(()=>{w=0;c||S.ended||setTimeout(o,5e3)})}},
h=()=>c?f("connections/"+c.id+"/heartbeat").then(r=>{r.status==410?e(r):r.status>400&&r.status<410&&(c=0,o())},()=>0):o();
addEventListener("pagehide",()=>{c&&navigator.sendBeacon(u("connections/"+c.id+"/end"),b());c=0});
addEventListener("pageshow",h);addEventListener("online",h);
document.addEventListener("visibilitychange",()=>document.hidden||h())})();
`;
