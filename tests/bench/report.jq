# SPDX-License-Identifier: BSD-2-Clause
# From the lines of tests/bench/run to one object, and from that to text.

def median: sort | if length == 0 then null
    elif length % 2 == 1 then .[length / 2 | floor]
    else (.[length / 2 - 1] + .[length / 2]) / 2 end;
# 3 digits are more than a measurement is good for
def round3: if . == null then null elif . >= 100 then round
    else (. * 1000 | round) / 1000 end;

# the median of each number in a list of objects of one shape
def medians: (.[0] | to_entries | map(select(.value | type == "number") |
    .key)) as $keys | . as $all |
    reduce $keys[] as $k ({}; .[$k] = ([$all[] | .[$k]] | median | round3));

def by_name($kind; f): [.[] | select(.kind == $kind)] | group_by(f) |
    map({key: (.[0] | f | tostring), value: .}) | from_entries;

# of a mode, a floor or the rival
def cpu: .cpu_us | if type == "object" then .all else . end;

# Each mode by each floor that is a part of it, and by the rival.
def against($floors; $rival; speed): with_entries(.key as $mode | .value as $m |
    .value = ($floors | del(.fdatasync) |
        (if $mode | startswith("udp") then del(.dtls) else . end) |
        (if $mode | test("each|paid") then . else del(.ed25519) end) |
        (if $rival == null then . else .rival = $rival.value end) |
        map_values(($m | speed) / speed | round3)));

def summary:
    (by_name("mode"; .name) | map_values(. as $all | medians +
        {rates: map(.rate | round), cpu_us: ([.[].cpu_us] | medians)} |
        .cpu_us.all = ([.cpu_us[]] | add | round3))) as $modes |
    (by_name("floor"; .floor) | map_values(medians +
        {rates: map(.rate | round)})) as $floors |
    (by_name("rival"; .connections) | map_values({rate:
        (map(.rate) | median | round), rates: map(.rate | round),
        cpu_us: (map(.cpu_us) | median | round3)}) |
        to_entries | max_by(.value.rate)) as $rival |
    {machine: (map(select(.kind == "machine"))[0] | del(.kind)),
     modes: $modes, floors: $floors,
     rival: (if $rival == null then null else {name:
         "PostgreSQL, six transactions, pgbench",
         connections: ($rival.key | tonumber)} + $rival.value end),
     ratios: ($modes | against($floors; $rival; .rate)),
     cpu_ratios: ($modes | against($floors; $rival; 1 / cpu)),
     latency: map(select(.kind == "latency") | del(.kind)),
     profile: (by_name("profile"; .name) | map_values(.[0].parts)),
     paths: (map(select(.kind == "paths"))[0] | del(.kind))};

def pad($n): tostring | " " * ([$n - length, 0] | max) + .;
def name($n): . + " " * ([$n - length, 0] | max);
def fixed($n; $digits): if . == null then "-" | pad($n) else
    (. * pow(10; $digits) | round | tostring) as $t |
    (("0" * ([$digits + 1 - ($t | length), 0] | max)) + $t) |
    (if $digits == 0 then . else .[:-$digits] + "." + .[-$digits:] end) |
    pad($n) end;

# what the processors of the machine could do if nobody else wanted them and the
# disk did not matter
def bound($m): $m.processors * 1e6 / cpu;
def modes_text: .machine as $m |
    "complete durable negotiations a second, median of the rounds; bound: by",
    "the processor time alone, which other load does not change much", "",
    "             rate  bound   p50 ms   p99 ms  rounds",
    (.modes | to_entries[] |
    "\(.key | name(12))\(.value.rate | fixed(5; 0))" +
    "\(.value | bound($m) | fixed(7; 0))" +
    "\(.value.p50_ms | fixed(9; 1))\(.value.p99_ms | fixed(9; 1))  " +
    (.value.rates | map(tostring) | join(" ")));
def floors_text: .machine as $m | "",
    "floors, in orders a second", "             rate  bound",
    (.floors | del(.fdatasync) | to_entries[] | "\(.key | name(10))" +
    "\(.value.rate | fixed(7; 0))\(.value | bound($m) | fixed(7; 0))"),
    "fdatasync   \(.floors.fdatasync | "p50 \(.p50_ms) p99 \(.p99_ms) " +
    "p99.9 \(.p99_9_ms) ms, 4 KiB appended")";
def rival_text: .machine as $m | if .rival == null then empty else "",
    "rival     \(.rival.rate | fixed(7; 0))" +
    "\(.rival | bound($m) | fixed(7; 0))  \(.rival.name), " +
    "\(.rival.connections) connections, fsync=on synchronous_commit=on"
    end;
def ratio_lines: to_entries[] | "\(.key | name(12))" + (.value |
    to_entries | map("\(.key) \(.value | fixed(0; 3))") | join("  "));
def ratios_text: "", "rate of a mode, by that of a floor or of the rival",
    (.ratios | ratio_lines), "", "the same by processor time",
    (.cpu_ratios | ratio_lines);
def cpu_text: "",
    "where it goes: microseconds of processor an order, by thread; bytes",
    (.modes | to_entries[] | "\(.key | name(12))" + (.value.cpu_us |
    to_entries | map("\(.key) \(.value | fixed(0; 0))") | join("  ")) +
    "\n            stored \(.value.bytes | round), written to disk " +
    "\(.value.written // 0 | round); on the wire \(.value.in | round) in, " +
    "\(.value.out | round) out");
def profile_text: if .profile == {} then empty else "",
    "samples of cpnpd by thread and library, in percent", (.profile |
    to_entries[] | "\(.key | name(12))" + ([.value[] | select(.percent >= 2) |
    "\(.thread)/\(.object) \(.percent | round)"] | join("  "))) end;
def latency_text: if .latency == [] then empty else "",
    "latency in ms in the open loop, from the moment an order was due",
    "            part  offered  answered     p50     p90     p99   p99.9",
    (.latency[] | "\(.name | name(12))\(.part | pad(3))%" +
    "\(.offered | fixed(9; 0))\(.rate | fixed(10; 0))" +
    "\(.p50_ms | fixed(8; 1))\(.p90_ms | fixed(8; 1))" +
    "\(.p99_ms | fixed(8; 1))\(.p99_9_ms | fixed(8; 1))") end;
def paths_text: "", "paths, in milliseconds: \(.paths.graph)",
    "\("" | name(50))     p50      p99      max",
    (.paths.times | to_entries[] | "\(.key | name(50))" +
    "\(.value.p50_ms | fixed(8; 2)) \(.value.p99_ms | fixed(8; 2)) " +
    "\(.value.max_ms | fixed(8; 2))");

def text: .machine as $m |
    "\($m.date)  \($m.processors) processors, \($m.cpu), generator included",
    "kernel \($m.kernel), stores on \($m.disk); load average at the start " +
    "\($m.load_average)",
    "\($m.orders) orders, \($m.concurrency) at once over \($m.clients) " +
    "clients, sessions kept; \($m.rounds) rounds",
    "On a machine that does other things only the ratios count.",
    "", modes_text, floors_text, rival_text, ratios_text, cpu_text,
    profile_text, latency_text, paths_text;
