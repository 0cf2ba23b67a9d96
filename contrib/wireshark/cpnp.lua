-- CPNP, the Connectivity Provisioning Negotiation Protocol, for Wireshark.
--
-- Written from cpnp-wire(7) and cpnp.cddl alone, so that it shows whether they
-- say enough; it shares nothing with libcpnp.  Put it into the directory of
-- personal Lua plugins, or: tshark -X lua_script:cpnp.lua
--
-- Messages on UDP port 49920 and in DTLS on port 49921 are dissected, those on
-- other UDP ports when they look like one, or by "Decode As".  What breaks a
-- rule of the manual is expert information; cpnp.valid says whether a receiver
-- takes the message.  cpnp.item shows every value as NAME/PART=VALUE.
--
-- SPDX-License-Identifier: BSD-2-Clause

local proto = Proto("cpnp",
    "Connectivity Provisioning Negotiation Protocol")

---- the tables of cpnp-wire(7) -------------------------------------------

local EDITIONS = { [0] = "draft-02", [1] = "rfc8921" }

local METHODS = {
	[1] = { [0] = "PARTS", "QUOTATION", "PROCESSING", "OFFER", "ACCEPT",
	    "DECLINE", "ACK", "CANCEL", "WITHDRAW", "UPDATE", "FAIL",
	    "ACTIVATE" },
	[0] = { [0] = "PARTS", "PROVISION", "PROCESSING", "OFFER", "ACCEPT",
	    "DECLINE", "ACK", "CANCEL", "WITHDRAW", "UPDATE", "FAIL" },
}

-- code, name | presence in methods 0, 1, 2, ...
local PRESENCE = {
[1] = [[
 1 SEQUENCE_NUMBER                     | M M M M M M M M M M M M
 2 TRANSACTION_ID                      | o M M M M M M M M M o M
 3 CUSTOMER_ORDER_IDENTIFIER           | - M M M M M M M M M o M
 4 PROVIDER_ORDER_IDENTIFIER           | - - M M M M M - M M o M
 5 NONCE                               | - - - M M M - - M M - M
 6 EXPECTED_RESPONSE_TIME              | - o - - - - o - - o - -
 7 EXPECTED_OFFER_TIME                 | - - o - - - - - - - - -
 8 VALIDITY_OFFER_TIME                 | - - - M - - - - - - - -
 9 SERVICE_DESCRIPTION                 | - M - M M - o o o M - -
10 PROCESSING_SUBCODE                  | - - o - - - - - - - - -
11 REASON                              | - - - - - o - - - - - -
12 STATUS_CODE                         | - - - - - - - - - - M -
13 ACTIVATION_TYPE                     | - o - o o - o - o o - o
14 ACTIVATION_SCHEDULE                 | - o - o o - o - o o - M
15 Customer Description                | - o - o o - o - o o - o
16 Provider Description                | - o - o o - o - o o - o
17 Negotiation Options                 | - o - o o - o - o o - o
18 TOTAL_LENGTH                        | M - - - - - - - - - - -
19 MESSAGE_DIGEST                      | M - - - - - - - - - - -
20 PART_OFFSET                         | o - - - - - - - - - - -
21 PART                                | o - - - - - - - - - - -
22 PARTS_HELD                          | o - - - - - - - - - - -
]],
[0] = [[
 2 TRANSACTION_ID                      | o M M M M M M M M M o
 3 CUSTOMER_ORDER_IDENTIFIER           | - M M M M M M M M M o
 4 PROVIDER_ORDER_IDENTIFIER           | - - M M M M M - M M o
 5 NONCE                               | - - - M M o - - M M -
 6 EXPECTED_RESPONSE_DATE              | - o - - - - - - - o -
 7 EXPECTED_OFFER_DATE                 | - - o - - - - - - - -
 8 VALIDITY_DATE                       | - - - M - - - - - - -
 9 CONNECTIVITY_PROVISIONING_DOCUMENT  | - M - M M - M o o M -
12 STATUS_CODE                         | - - - - - - - - - - M
13 ACTIVATION_TYPE                     | - o - o o - o - o o -
14 ACTIVATION_SCHEDULE                 | - o - o o - o - o o -
15 Customer Description                | - o - o o - o - o o -
16 Provider Description                | - o - o o - o - o o -
17 Negotiation Options                 | - o - o o - o - o o -
18 TOTAL_LENGTH                        | M - - - - - - - - - -
19 MESSAGE_DIGEST                      | M - - - - - - - - - -
20 PART_OFFSET                         | o - - - - - - - - - -
21 PART                                | o - - - - - - - - - -
22 PARTS_HELD                          | o - - - - - - - - - -
]],
}

local EXTENSIONS = { [-1] = "COOKIE", [-2] = "EXPLANATION",
    [-3] = "STATEMENT", [-4] = "RECEIPT", [-5] = "SETTLEMENT_TERMS",
    [-6] = "PAYMENT_AUTHORIZATION", [-7] = "COMMIT_SET",
    [-8] = "PATH_MARKS", [-9] = "HOP_LIMIT", [-10] = "ORDER_PROGRESS" }

-- the status codes of RFC 8921, and what draft-02's are among them
local STATUS = { "Message Validation Error", "Authentication Required",
    "Authorization Failed", "Administratively prohibited",
    "Out of Resources", "Network Presence Error", "More Time Rejected",
    "Unsupported Activation Type" }
local STATUS_OF = { [1] = { 1, 2, 3, 4, 5, 6, 7, 8 },
    [0] = { 1, 2, 4, 5, 6 } }

-- structures of a Connectivity Provisioning Document, in the manual's words
local CPD = {
cpd = [[
1 based-on: a text of 1 to 64 bytes
2 component, mandatory: 1 to 16 of: component
]],
component = [[
1 name: a text of 1 to 64 bytes
2 profile, mandatory: 1 to 16 of: profile
]],
profile = [[
0 name: a text of 1 to 64 bytes
1 nodes, mandatory: 1 to 1024 of: node
2 scopes: 1 to 64 of: scope
3 qos: qos
4 availability: availability
5 capacity: 1 to 1024 of: rate
6 conformance: conformance
7 overall: overall
8 isolation: isolation
9 flows: 1 to 256 of: flow
10 routing: routing
11 activation: 1 to 64 of: means
12 invocation: invocation
13 notifications: 1 to 16 of: notification
14 window: window
15 assurance: 1 to 16 of: measure
]],
node = [[
1 id, mandatory: a text of 1 to 64 bytes
2 link: 1 to 8 of: link
3 place: a text of 1 to 255 bytes
4 coordinates: coordinates
5 address: a text of 1 to 255 bytes
6 site: a text of 1 to 64 bytes
]],
link = [[
1 id: a text of 1 to 64 bytes
2 provider-node: a text of 1 to 64 bytes
]],
scope = [[
1 id: a text of 1 to 64 bytes
2 direction, mandatory: 1 incoming, 2 outgoing
3 reach, mandatory: 1 restricted, 2 global
4 model: 1 pipe, 2 hose, 3 unspecified-hose
5 node: 1 to 1024 of: the number of a node
6 source: 1 to 256 of: a prefix
7 destination: 1 to 256 of: a prefix
8 ingress: 1 to 256 of: point
9 egress: 1 to 256 of: point
]],
point = [[
1 node: the number of a node
2 provider-node: a text of 1 to 64 bytes
3 prefix: a prefix
]],
qos = [[
1 class: a text of 1 to 64 bytes
2 loss: 1 to 256 of: loss
3 delay: 1 to 256 of: delay
4 delay-variation: 1 to 256 of: delay
5 throughput: 1 to 256 of: throughput
]],
loss = [[
1 value, mandatory: a value, 0 to 1000000 ppm
2 statistic, mandatory: 1 mean, 2 maximum, 3 percentile, 4 minimum
3 percentile: 1 to 999999 ppm
4 interval: 1 to 31622400 s
5 scope: the number of a scope
6 from: the number of a node
7 to: the number of a node
8 method: a text of 1 to 255 bytes
]],
delay = [[
1 value, mandatory: a value, 0 to 3600000000 us
2 statistic, mandatory: 1 mean, 2 maximum, 3 percentile, 4 minimum
3 percentile: 1 to 999999 ppm
4 interval: 1 to 31622400 s
5 scope: the number of a scope
6 from: the number of a node
7 to: the number of a node
8 method: a text of 1 to 255 bytes
]],
throughput = [[
1 value, mandatory: a value, 0 to 1000000000000000 bit/s
2 statistic, mandatory: 1 mean, 2 maximum, 3 percentile, 4 minimum
3 percentile: 1 to 999999 ppm
4 interval: 1 to 31622400 s
5 scope: the number of a scope
6 from: the number of a node
7 to: the number of a node
8 method: a text of 1 to 255 bytes
]],
availability = [[
1 value, mandatory: a value, 0 to 1000000 ppm
2 statistic: 1 mean, 2 maximum, 3 percentile, 4 minimum
3 interval: 1 to 31622400 s
4 meaning: a text of 1 to 255 bytes
]],
rate = [[
1 node: the number of a node
2 link: a text of 1 to 64 bytes
3 scope: the number of a scope
4 in: a value, 1 to 1000000000000000 bit/s
5 out: a value, 1 to 1000000000000000 bit/s
]],
conformance = [[
1 filter: 1 shaping, 2 policing
2 excess: 1 discard, 2 remark
3 excess-class: a text of 1 to 64 bytes
4 mtu: a value, 68 to 4294967295 bytes
5 burst: a value, 1 to 4294967295 bytes
]],
overall = [[
1 delay: a text of 1 to 64 bytes
2 loss: a text of 1 to 64 bytes
3 throughput: a text of 1 to 64 bytes
]],
isolation = [[
1 separation: 1 shared, 2 isolated, 3 dedicated
2 means: 1 to 16 of: a text of 1 to 255 bytes
3 protection: 1 to 16 of: a text of 1 to 255 bytes
]],
flow = [[
1 source: a prefix
2 source-port: ports
3 destination: a prefix
4 destination-port: ports
5 protocol: 0 to 255
6 dscp: 0 to 63
7 tunnel: an address
8 direction: 1 incoming, 2 outgoing
9 traffic: 1 elastic, 2 non-elastic
10 remark-in: 0 to 63
11 remark-out: 0 to 63
12 node: the number of a node
13 link: a text of 1 to 64 bytes
]],
routing = [[
1 avoid: 1 to 64 of: hop
2 through: 1 to 64 of: hop
3 within: 1 to 64 of: a text of 1 to 255 bytes
4 outside: 1 to 64 of: a text of 1 to 255 bytes
5 function: 1 to 16 of: a text of 1 to 255 bytes
6 no-medium: 1 to 16 of: a text of 1 to 255 bytes
7 backup: 1 none, 2 link, 3 node, 4 path
8 topology: a text of 1 to 64 bytes
9 forwarding: a text of 1 to 64 bytes
]],
hop = [[
1 as: 1 to 4294967295
2 node: a text of 1 to 64 bytes
3 link: a text of 1 to 64 bytes
4 prefix: a prefix
]],
means = [[
1 action, mandatory: a text of 1 to 255 bytes
2 detail: a text of 1 to 255 bytes
3 node: the number of a node
]],
invocation = [[
1 type, mandatory: 1 implicit, 2 explicit
2 protocol: 1 to 16 of: a text of 1 to 255 bytes
]],
notification = [[
1 method, mandatory: 1 snmp, 2 syslog, 3 cpnp, 4 netconf, 5 phone, 6 email
2 target: a text of 1 to 255 bytes
3 interval: 1 to 31622400 s
4 event: 1 to 16 of: a text of 1 to 255 bytes
5 data-model: a text of 1 to 64 bytes
]],
window = [[
1 start: a time
2 end: a time
]],
measure = [[
1 metric, mandatory: a text of 1 to 255 bytes
2 interval: 1 to 31622400 s
3 method: a text of 1 to 255 bytes
]],
}

---- fields and expert information ----------------------------------------

local f = {
	version = ProtoField.uint8("cpnp.version", "VERSION", base.DEC,
	    EDITIONS),
	method = ProtoField.uint8("cpnp.method", "Method"),
	edition = ProtoField.string("cpnp.edition", "Edition"),
	method_name = ProtoField.string("cpnp.method_name", "Method name"),
	attribute = ProtoField.string("cpnp.attribute", "Attribute"),
	item = ProtoField.string("cpnp.item", "Item"),
	error = ProtoField.string("cpnp.error", "Kind of error"),
	valid = ProtoField.bool("cpnp.valid", "Valid"),
}
proto.fields = { f.version, f.method, f.edition, f.method_name, f.attribute,
    f.item, f.error, f.valid }

local MALFORMED, ERROR = expert.group.MALFORMED, expert.severity.ERROR
local e = {}
for kind, text in pairs({
	truncated = "The message ends too early",
	trailing = "Bytes follow the message",
	form = "Not in deterministic form",
	duplicate = "A key stands twice, or the keys are out of order",
	version = "Unknown VERSION",
	method = "Unknown method",
	missing = "A mandatory attribute is missing",
	unexpected = "An attribute is not allowed in this message",
	unknown = "An attribute is not known and must be understood",
	value = "A value is not what the attribute takes",
	document = "The document is malformed",
	statement = "The statement is malformed",
}) do
	e[kind] = ProtoExpert.new("cpnp.expert." .. kind, text, MALFORMED,
	    ERROR)
end
e.parts = ProtoExpert.new("cpnp.expert.parts",
    "A part that a receiver ignores", expert.group.PROTOCOL,
    expert.severity.WARN)
proto.experts = { e.truncated, e.trailing, e.form, e.duplicate, e.version,
    e.method, e.missing, e.unexpected, e.unknown, e.value, e.document,
    e.statement, e.parts }

---- CBOR in deterministic form -------------------------------------------

local UINT, NINT, BSTR, TSTR, ARRAY, MAP, TAG, SIMPLE = 0, 1, 2, 3, 4, 5, 6, 7
-- Deeper than any message; bounds the recursion of this program.
local DEEPEST = 64

-- A breach of the form ends the dissection where it stands.
local function breach(kind, pos, text)
	error({ kind = kind, pos = pos, text = text })
end

local function big(s, from, n)
	local v = 0
	for i = from, from + n - 1 do v = v * 256 + s:byte(i) end
	return v
end

-- The head at offset pos: major type, additional information, argument, the
-- argument exactly in decimal, and the offset behind it.
local function read_head(s, pos)
	local first = s:byte(pos + 1)
	if not first then breach("truncated", pos, "an item is missing") end
	local major, info = math.floor(first / 32), first % 32
	if info < 24 then return major, info, info, tostring(info), pos + 1 end
	if info > 27 then
		breach("form", pos, info == 31 and "an indefinite length" or
		    "reserved additional information")
	end
	local n = 2 ^ (info - 24)
	if #s < pos + 1 + n then
		breach("truncated", pos, "a head is not whole")
	end
	local arg = big(s, pos + 2, n)
	local exact = string.format("%.0f", arg)
	if n == 8 then
		exact = tostring(UInt64.new(big(s, pos + 6, 4),
		    big(s, pos + 2, 4)))
	end
	if major ~= SIMPLE and arg < ({ 24, 256, 0, 65536, 0, 0, 0,
	    4294967296 })[n] then
		breach("form", pos, "a head is not in its shortest form")
	end
	return major, info, arg, exact, pos + 1 + n
end

-- The number of bytes of the UTF-8 character at i, or nil.
local function utf8_len(s, i)
	local a, b = s:byte(i, i + 1)
	if a < 0x80 then return 1 end
	if a < 0xc2 or a > 0xf4 or not b then return nil end
	local n = a < 0xe0 and 2 or a < 0xf0 and 3 or 4
	local low = ({ [0xe0] = 0xa0, [0xf0] = 0x90 })[a] or 0x80
	local high = ({ [0xed] = 0x9f, [0xf4] = 0x8f })[a] or 0xbf
	if b < low or b > high or i + n - 1 > #s then return nil end
	for k = i + 2, i + n - 1 do
		local c = s:byte(k)
		if c < 0x80 or c > 0xbf then return nil end
	end
	return n
end

local function is_utf8(s)
	local i = 1
	while i <= #s do
		local n = utf8_len(s, i)
		if not n then return false end
		i = i + n
	end
	return true
end

-- Lua compares strings by locale.
local function compare_bytes(a, b)
	for i = 1, math.min(#a, #b) do
		local x, y = a:byte(i), b:byte(i)
		if x ~= y then return x - y end
	end
	return #a - #b
end

-- Says when the key at offset pos does not follow the one before it.
local function check_order(before, key, pos)
	if not before then return end
	local order = compare_bytes(before, key)
	if order == 0 then breach("duplicate", pos, "a key stands twice") end
	if order > 0 then
		breach("duplicate", pos, "keys are out of order")
	end
end

-- The item at offset pos and what is in it.
local function read_item(s, pos, depth, in_tag)
	local major, info, n, exact, at = read_head(s, pos)
	local item = { major = major, n = n, exact = exact, pos = pos }
	if depth > DEEPEST then breach("form", pos, "nested too deep") end
	if major == BSTR or major == TSTR then
		if at + n > #s then
			breach("truncated", pos, "a string is not whole")
		end
		item.s = s:sub(at + 1, at + n)
		if major == TSTR and not is_utf8(item.s) then
			breach("form", pos, "a text is not valid UTF-8")
		end
		at = at + n
	elseif major == ARRAY then
		for i = 1, n do
			item[i] = read_item(s, at, depth + 1)
			at = item[i].fin
		end
	elseif major == MAP then
		local before
		for i = 1, n do
			local key = read_item(s, at, depth + 1)
			local bytes = s:sub(at + 1, key.fin)
			check_order(before, bytes, at)
			before = bytes
			item[i] = { key, read_item(s, key.fin, depth + 1) }
			at = item[i][2].fin
		end
	elseif major == TAG then
		if in_tag then
			breach("form", pos, "a tag directly within a tag")
		end
		item[1] = read_item(s, at, depth + 1, true)
		at = item[1].fin
	elseif major == SIMPLE and (info < 20 or info > 22) then
		breach("form", pos, (info > 24 and "a floating-point number") or
		    "a simple value other than false, true and null")
	end
	item.fin = at
	item.raw = s:sub(pos + 1, at)
	return item
end

local function is_null(item) return item.major == SIMPLE and item.n == 22 end
local function is_true(item) return item.major == SIMPLE and item.n == 21 end

-- An integer as a number; nil for another item.  Numbers of Lua are exact up
-- to 2^53, which is enough but for the bounds.
local function int_of(item)
	if item.major == UINT then return item.n end
	if item.major == NINT then return -1 - item.n end
end

-- Codes and keys begin at -9223372036854775807.
local function is_too_low(item)
	return item.major == NINT and (item.n > 2 ^ 63 or
	    item.exact == "9223372036854775807" or
	    item.exact == "9223372036854775808")
end

local function hex(s)
	return (s:gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

---- values: each function shows an item under a path, or refuses it -------

local refusal = {}
local function refuse(item, text, kind)
	error(setmetatable({ pos = item.pos, len = item.fin - item.pos,
	    text = text, kind = kind }, refusal))
end

local function expect(condition, item, text, kind)
	if not condition then refuse(item, text, kind) end
end

-- What the page leaves open: the form is all that counts.
local function check_open(item, depth)
	depth = depth or 0
	if item.major == ARRAY or item.major == MAP then
		depth = depth + 1
		expect(depth <= 16, item, "nested deeper than 16", "form")
	end
	for _, child in ipairs(item) do
		if item.major ~= MAP then
			check_open(child, depth)
		else
			expect(int_of(child[1]) or child[1].major == TSTR,
			    child[1], "neither an integer nor a text as a key",
			    "form")
			check_open(child[2], depth)
		end
	end
end

local function range(item, least, most)
	expect(item.major == UINT and item.n >= least and item.n <= most, item,
	    string.format("not an integer from %.0f to %.0f", least, most))
	return item.exact
end

local function bytes(item, least, most)
	expect(item.major == BSTR and #item.s >= least and #item.s <= most,
	    item, "not " .. least .. " to " .. most .. " bytes")
	return hex(item.s)
end

local function text(item, least, most)
	expect(item.major == TSTR and #item.s >= least and #item.s <= most,
	    item, "not a text of " .. least .. " to " .. most .. " bytes")
	return item.s
end

local function list(item, least, most)
	expect(item.major == ARRAY and item.n >= least and item.n <= most,
	    item, "not an array of " .. least .. " to " .. most)
	return item
end

-- Go through a map: known[key](value) for each; other keys are ignored when
-- they are negative.
local function map(item, known, mandatory)
	local seen = {}
	expect(item.major == MAP, item, "not a map")
	expect(item.n <= 64, item, "more than 64 entries")
	for _, pair in ipairs(item) do
		local key = int_of(pair[1])
		expect(key, pair[1], "a key that is no integer")
		expect(not is_too_low(pair[1]), pair[1], "a key too low")
		seen[key] = true
		if known[key] then
			known[key](pair[2])
		else
			expect(key < 0, pair[1], "an unknown key")
			check_open(pair[2])
		end
	end
	for _, key in ipairs(mandatory or {}) do
		expect(seen[key], item, "key " .. key .. " is missing")
	end
	return seen
end

---- dates ----------------------------------------------------------------

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
    Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12 }
local DAYS = { [0] = "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }

-- Days since 1970-01-01 in the Gregorian calendar, for any year.
local function days_of(y, m, d)
	if m <= 2 then y, m = y - 1, m + 12 end
	return 365 * y + math.floor(y / 4) - math.floor(y / 100) +
	    math.floor(y / 400) + math.floor((153 * (m - 3) + 2) / 5) + d -
	    719469
end

local function date_text(sec)
	local day, rest = math.floor(sec / 86400), sec % 86400
	local y = math.floor(day / 365.2425) + 1970
	while days_of(y + 1, 1, 1) <= day do y = y + 1 end
	while days_of(y, 1, 1) > day do y = y - 1 end
	local m = 12
	while days_of(y, m, 1) > day do m = m - 1 end
	return string.format("%04d-%02d-%02dT%02d:%02d:%02dZ", y, m,
	    day - days_of(y, m, 1) + 1, math.floor(rest / 3600),
	    math.floor(rest / 60) % 60, rest % 60)
end

-- A date of an edition: RFC 3339 for people, and seconds since 1970.
local function date(item, edition)
	local w, y, m, d, h, min, sec
	local s = text(item, 20, 29)
	if edition == 1 then
		y, m, d, h, min, sec = s:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)" ..
		    "T(%d%d):(%d%d):(%d%d)Z$")
	else
		w, d, m, y, h, min, sec = s:match("^(%a%a%a), (%d%d) " ..
		    "(%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
		m = m and MONTHS[m]
	end
	expect(y and m, item, "not a date in the form of this edition")
	y, m, d, h = tonumber(y), tonumber(m), tonumber(d), tonumber(h)
	min, sec = tonumber(min), tonumber(sec)
	expect(m >= 1 and m <= 12 and h < 24 and min < 60 and sec < 60, item,
	    "no time of day, or no month")
	local day = days_of(y, m, d)
	local last = m == 12 and 31 or days_of(y, m + 1, 1) - days_of(y, m, 1)
	expect(d >= 1 and d <= last, item, "no day of the month")
	expect(not w or DAYS[(day + 4) % 7] == w, item, "not that weekday")
	local t = ((day * 24 + h) * 60 + min) * 60 + sec
	return date_text(t), t
end

local function schedule(item, path, put, edition)
	if item.major == UINT and item.n == 0 then return put(path, "0") end
	list(item, 1, 2)
	local start, first, stop, last
	if not is_null(item[1]) then
		start, first = date(item[1], edition)
		put(path .. "/start", start)
	end
	if item[2] then
		stop, last = date(item[2], edition)
		expect(not first or last > first, item[2],
		    "the end is not later than the start")
		put(path .. "/end", stop)
	end
end

---- the parts of attributes ----------------------------------------------

local function description(provider)
	return function(item, path, put, edition)
		local function words(key)
			return function(v)
				put(path .. "/" .. key, text(v, 1, 255))
			end
		end
		local known = { words("name"), words("email"),
		    words("postal_address"), function(v)
			for i, number in ipairs(list(v, 1, 8)) do
				words("telephone/" .. i - 1)(number)
			end
		end }
		if provider then
			known[5] = function(v)
				put(path .. "/as_number",
				    range(v, 0, 4294967295))
			end
		end
		map(item, known, edition == 0 and { 1, 2 } or {})
	end
end

-- An amount in minor units with a decimal point.
local function decimal(units, digits)
	if digits == 0 then return units end
	units = string.rep("0", digits + 1 - #units) .. units
	return units:sub(1, -digits - 1) .. "." .. units:sub(-digits)
end

local function cost(item, path, put)
	if item.major == ARRAY and item.n == 0 then
		return put(path, "null")
	end
	list(item, 4, 4)
	-- 2^63 - 1 has no number in Lua: it is the first half of the range
	expect(item[1].major == UINT and item[1].n < 2 ^ 63 or
	    item[1].exact == "9223372036854775807", item[1],
	    "not an amount from 0 to 9223372036854775807")
	local code = text(item[2], 1, 12)
	expect(code:match("^[A-Z0-9]+$"), item[2], "not of A to Z and 0 to 9")
	local issuer = text(item[3], 0, 64)
	range(item[4], 0, 9)
	put(path .. "/amount", decimal(item[1].exact, item[4].n))
	put(path .. "/code", code)
	if issuer ~= "" then put(path .. "/issuer", issuer) end
end

local function options(item, path, put)
	map(item, { function(v)
		cost(v, path .. "/cost", put)
	end, function(v)
		range(v, 1, 2)
		put(path .. "/purpose", v.n == 1 and "permanent" or "test")
	end, function(v)
		expect(is_true(v), v, "not the value true")
		put(path .. "/no_recursion", "true")
	end })
end

local function explanation(item, path, put)
	for i, line in ipairs(list(item, 1, 16)) do
		local known = {}
		for k, key in ipairs({ "clause", "reason", "limit",
		    "would_fit" }) do
			known[k] = function(v)
				put(path .. "/" .. i - 1 .. "/" .. key,
				    text(v, 1, 255))
			end
		end
		map(line, known)
	end
end

---- the Connectivity Provisioning Document -------------------------------

-- The kinds of scalars, by the words that begin them.
local scalar = {}

local function number_range(words)
	local least, most = words:match("(%d+) to (%d+)")
	return tonumber(least), tonumber(most)
end

local function cpd_text(item, words)
	local least, most = number_range(words)
	local s = text(item, least, most)
	expect(not s:find("[%z\1-\31\127]") and
	    not s:find("\239\191[\190\191]"), item, "a control character")
	expect(not s:find("^ ") and not s:find(" $") and not s:find("  "),
	    item, "a space at an end, or two in a row")
	return s
end

local function cpd_value(item, words)
	local least, most = number_range(words)
	if item.major ~= ARRAY then return range(item, least, most) end
	list(item, 3, 3)
	for i = 1, 3 do range(item[i], least, most) end
	expect(item[1].n < item[2].n and item[3].n >= item[1].n and
	    item[3].n <= item[2].n, item, "not a range")
	return item[1].exact .. " to " .. item[2].exact .. ", preferably " ..
	    item[3].exact
end

local FAMILY = { [52] = 4, [54] = 16 }

local function address_text(s, size)
	s = s .. string.rep("\0", size - #s)
	if size == 4 then return table.concat({ s:byte(1, 4) }, ".") end
	return (hex(s):gsub("....", "%0:"):sub(1, -2))
end

local function cpd_prefix(item)
	local size = item.major == TAG and FAMILY[item.n]
	expect(size, item, "not a prefix")
	local pair = list(item[1], 2, 2)
	range(pair[1], 0, size * 8)
	bytes(pair[2], 0, size)
	local bits, s = pair[1].n, pair[2].s
	expect(s:sub(-1) ~= "\0" or s == "", item, "a zero byte at the end")
	expect(#s <= math.ceil(bits / 8), item, "bits after the length")
	if bits % 8 > 0 and #s == math.ceil(bits / 8) then
		expect(s:byte(-1) % 2 ^ (8 - bits % 8) == 0, item,
		    "bits after the length")
	end
	return address_text(s, size) .. "/" .. bits
end

local function cpd_address(item)
	local size = item.major == TAG and FAMILY[item.n]
	expect(size, item, "not an address")
	bytes(item[1], size, size)
	return address_text(item[1].s, size)
end

local function cpd_ports(item)
	if item.major ~= ARRAY then return range(item, 0, 65535) end
	list(item, 2, 2)
	range(item[1], 0, 65535)
	range(item[2], 0, 65535)
	expect(item[1].n < item[2].n, item, "the first is not the less")
	return item[1].exact .. "-" .. item[2].exact
end

local function cpd_coordinates(item)
	list(item, 2, 2)
	local latitude, longitude = int_of(item[1]), int_of(item[2])
	expect(latitude and math.abs(latitude) <= 90000000 and longitude and
	    math.abs(longitude) <= 180000000, item, "not coordinates")
	return string.format("%.0f %.0f", latitude, longitude)
end

-- One of "1 shaping, 2 policing".
local function cpd_enum(item, words)
	local n = int_of(item)
	for number, word in words:gmatch("(%d+) ([%a-]+)") do
		if tonumber(number) == n then return word end
	end
	refuse(item, "not one of " .. words)
end

local function cpd_scalar(words)
	if words:find("^a text") then return cpd_text end
	if words:find("^a value") then return cpd_value end
	if words == "a prefix" then return cpd_prefix end
	if words == "an address" then return cpd_address end
	if words == "ports" then return cpd_ports end
	if words == "coordinates" then return cpd_coordinates end
	if words == "a time" then
		return function(item) return range(item, 0, 253402300799) end
	end
	if words:find("^the number of a (%a+)$") then
		return function(item, _, profile)
			range(item, 1, words:find("node") and 1024 or 64)
			local numbers = profile.numbers
			numbers[#numbers + 1] = { item, words:match("%a+$") }
			return item.exact
		end
	end
	if words:find("^%d+ to %d+") then
		return function(item) return range(item, number_range(words)) end
	end
	if words:find("^%d+ %a") then return cpd_enum end
end

local cpd_struct

local function cpd_element(item, words, path, put, profile)
	local least, most, member = words:match("^(%d+) to (%d+) of: (.*)$")
	if member then
		list(item, tonumber(least), tonumber(most))
		for i, child in ipairs(item) do
			cpd_element(child, member, path .. "/" .. i - 1, put,
			    profile)
		end
	elseif CPD[words] then
		cpd_struct(item, words, path, put, profile)
	else
		put(path, cpd_scalar(words)(item, words, profile))
	end
end

-- The numbers of nodes and scopes say places in the lists of their profile,
-- and a scope that is named so has an id.
local function cpd_check_numbers(profile)
	for _, number in ipairs(profile.numbers) do
		local item, what = number[1], number[2]
		if what == "node" then
			expect(item.n <= (profile.nodes or 0), item,
			    "no such node")
		else
			local scope = profile.scopes and profile.scopes[item.n]
			expect(scope, item, "no such scope")
			expect(#scope > 0 and int_of(scope[1][1]) == 1, item,
			    "a scope without an id")
		end
	end
end

function cpd_struct(item, kind, path, put, profile)
	local known, mandatory = {}, {}
	local elements = 0
	if kind == "profile" then profile = { numbers = {} } end
	for key, label, must, words in
	    CPD[kind]:gmatch("(%d+) ([%a-]+)(,? ?%a*): ([^\n]+)") do
		key = tonumber(key)
		if must ~= "" then mandatory[#mandatory + 1] = key end
		known[key] = function(v)
			elements = elements + 1
			if kind == "profile" and label == "nodes" then
				profile.nodes = v.n
			elseif kind == "profile" and label == "scopes" then
				profile.scopes = v
			end
			cpd_element(v, words, path .. "/" .. label, put,
			    profile)
		end
	end
	expect(item.major ~= MAP or item.n > 0, item, "an empty " .. kind)
	map(item, known, mandatory)
	if kind == "profile" then cpd_check_numbers(profile) end
end

-- What is wrong within a document or statement leaves the message valid: the
-- bytes are shown, and why.
local function within(kind, item, path, put, ctx, raw, show)
	local found = {}
	local ok, err = pcall(show, function(p, v)
		found[#found + 1] = { p, v }
	end)
	if ok then
		for _, pair in ipairs(found) do put(pair[1], pair[2]) end
		return
	end
	if type(err) ~= "table" then error(err, 0) end
	ctx.report(kind, item.pos, item.fin - item.pos, err.text)
	put(path .. "/error", "")
	put(path .. "/hex", hex(raw))
end

local function service(item, path, put, edition, ctx)
	list(item, 2, 2)
	expect(item[1].major == UINT, item[1], "no type of service")
	local body = item[2]
	if item[1].n ~= 0 then
		check_open(body)
		put(path .. "/type", item[1].exact)
		return put(path .. "/hex", hex(item.raw))
	end
	put(path .. "/type", "0")
	if body.major == ARRAY and body.n == 0 then
		return put(path .. "/empty", "true")
	end
	within("document", item, path, put, ctx, item.raw, function(found)
		cpd_struct(body, "cpd", path .. "/cpd", found)
	end)
end

---- statements -----------------------------------------------------------

local STATEMENTS = { "STATE", "OFFER", "ACCEPT", "ACK" }
local STATEMENT_KEYS = { [1] = { 6, 7, 8, 9 }, [2] = { 4, 10 },
    [3] = { 4, 5 }, [4] = { 4, 5 } }

local function whole(s)
	local item = read_item(s, 0, 0)
	if item.fin ~= #s then breach("trailing", item.fin, "bytes follow") end
	return item
end

local function statement_payload(payload, path, put)
	local item, kind, late = whole(payload), nil, {}
	local function digest(key)
		return function(v) put(path .. "/" .. key, bytes(v, 32, 32)) end
	end
	local function time(key)
		return function(v)
			local t = int_of(v)
			expect(t and t >= -62167219200 and t <= 253402300799,
			    v, "no time")
			put(path .. "/" .. key, date_text(t))
		end
	end
	local function byte(v) range(v, 0, 255) end
	local seen = map(item, { function(v)
		kind = v.major == UINT and v.n
		expect(STATEMENTS[kind], v, "no type of statement")
		put(path .. "/type", STATEMENTS[kind])
	end, digest("order_reference"), time("time"), digest("order_digest"),
	    digest("answers"), function(v) range(v, 0, 1) end, byte, byte,
	    byte, time("validity") }, { 1, 2, 3 })
	local allowed = { true, true, true, kind == 1 }
	for _, key in ipairs(STATEMENT_KEYS[kind]) do
		expect(seen[key], item, "key " .. key .. " is missing")
		allowed[key] = true
	end
	for key in pairs(seen) do
		expect(allowed[key] or key == 4, item,
		    "key " .. key .. " is not allowed")
	end
end

local function statement(item, path, put, _, ctx)
	bytes(item, 1, 4096)
	within("statement", item, path, put, ctx, item.s, function(found)
		local sign1 = whole(item.s)
		expect(sign1.major == TAG and sign1.n == 18, sign1,
		    "not a COSE_Sign1 with tag 18")
		local parts = list(sign1[1], 4, 4)
		bytes(parts[1], 0, 4096)
		if parts[1].s ~= "" then
			expect(whole(parts[1].s).major == MAP, parts[1],
			    "the protected header is not a map")
		end
		expect(parts[2].major == MAP, parts[2],
		    "the unprotected header is not a map")
		bytes(parts[3], 1, 4096)
		bytes(parts[4], 0, 4096)
		statement_payload(parts[3].s, path, found)
		found(path .. "/bytes", tostring(#item.s))
	end)
end

---- attributes -----------------------------------------------------------

local function one(show)
	return function(item, path, put, edition)
		put(path, (show(item, edition)))
	end
end

local function open_item(item, path, put)
	check_open(item)
	expect(#item.raw <= 4096, item, "more than 4096 bytes")
	put(path, hex(item.raw))
end

local function of_bytes(least, most)
	return one(function(v) return bytes(v, least, most) end)
end

local function of_range(least, most)
	return one(function(v) return range(v, least, most) end)
end

local order_identifier = one(function(v)
	local s = text(v, 1, 64)
	expect(s:match("^[!-~]+$"), v, "a character not from ! to ~")
	return s
end)

local VALUES = {
	[1] = of_range(0, 4294967295),
	[2] = of_bytes(8, 32),
	[3] = order_identifier,
	[4] = order_identifier,
	[5] = of_bytes(16, 32),
	[6] = one(date), [7] = one(date), [8] = one(date),
	[9] = service,
	[10] = of_range(1, 2),
	[11] = function(item, path, put)
		for i, reason in ipairs(list(item, 1, 8)) do
			put(path .. "/" .. i - 1, range(reason, 1, 3))
		end
	end,
	[12] = function(item, path, put, edition)
		local status = item.major == UINT and
		    STATUS_OF[edition][item.n]
		expect(status, item, "no status of this edition")
		put(path .. "/status", tostring(status))
		put(path .. "/text", STATUS[status])
	end,
	[13] = one(function(v)
		range(v, 1, 2)
		return v.n == 1 and "permanent" or "scheduled"
	end),
	[14] = schedule,
	[15] = description(false),
	[16] = description(true),
	[17] = options,
	[18] = of_range(1, 131072),
	[19] = of_bytes(32, 32),
	[20] = of_range(0, 131071),
	[21] = of_bytes(1, 16384),
	[22] = of_bytes(1, 64),
	[-1] = of_bytes(1, 32),
	[-2] = explanation,
	[-3] = statement,
	[-4] = of_bytes(1, 4096),
	[-5] = open_item, [-6] = open_item, [-7] = open_item,
	[-8] = function(item, path, put)
		for i, mark in ipairs(list(item, 1, 64)) do
			put(path .. "/" .. i - 1, bytes(mark, 1, 32))
		end
	end,
	[-9] = of_range(0, 255),
	[-10] = open_item,
}

local NAMES, ALLOWED = { [0] = {}, {} }, { [0] = {}, {} }
for edition, rows in pairs(PRESENCE) do
	for code, label, row in
	    rows:gmatch("(%d+) ([%a_][%a_ ]-) +| ([Mo -]+)") do
		local method = 0
		code = tonumber(code)
		NAMES[edition][code] = label
		ALLOWED[edition][code] = {}
		for presence in row:gmatch("[Mo-]") do
			ALLOWED[edition][code][method] = presence
			method = method + 1
		end
	end
end
for code, label in pairs(EXTENSIONS) do
	NAMES[0][code], NAMES[1][code] = label, label
end

---- messages -------------------------------------------------------------

local function dissect_attribute(ctx, tree, tvb, key, value)
	local code = int_of(key)
	local at, len = key.pos, value.fin - key.pos
	local label = NAMES[ctx.edition][code] or NAMES[1][code]
	if not label then
		local branch = tree:add(proto, tvb(at, len),
		    "Unknown attribute " .. string.format("%.0f", code))
		if code >= 0 then
			ctx.report("unknown", at, len, "code " .. key.exact)
			return
		end
		local ok, err = pcall(check_open, value)
		if not ok then ctx.refused(err) end
		branch:append_text(", ignored")
		return
	end
	local branch = tree:add(proto, tvb(at, len), label)
	local found, allowed = {}, ALLOWED[ctx.edition][code]
	local misplaced = code > 0 and
	    (not allowed or allowed[ctx.method] == "-")
	if misplaced then ctx.report("unexpected", at, len, label) end
	local ok, err = pcall(VALUES[code], value, label, function(path, v)
		found[#found + 1] = { path, v }
	end, ctx.edition, ctx)
	if not ok then
		branch:append_text(": malformed")
		return ctx.refused(err)
	end
	-- a value that has no place is shown, but is not one of the message
	if not misplaced then
		branch:add(f.attribute, tvb(at, len), label):set_generated()
	end
	local range = tvb(value.pos, value.fin - value.pos)
	for _, pair in ipairs(found) do
		local line = pair[1] .. ": " .. pair[2]
		if misplaced then
			branch:add(proto, range, line)
		else
			branch:add(f.item, range, pair[1] .. "=" ..
			    pair[2]):set_text(line)
		end
	end
	if #found == 1 and found[1][1] == label then
		branch:append_text(": " .. found[1][2])
	end
end

-- A part has an offset and bytes, the answer to it what is held, a question
-- none of these.
local function check_part(ctx, values, len)
	local total, at, part, held = values[18], values[20], values[21],
	    values[22]
	local wrong
	if not total then return end
	if (at ~= nil) ~= (part ~= nil) or at and held then
		wrong = "not a part, an answer or a question"
	elseif at and part.major == BSTR and at.major == UINT then
		local fin = at.n + #part.s
		if at.n % 256 ~= 0 or fin > total.n or
		    fin < total.n and #part.s % 256 ~= 0 then
			wrong = "not whole blocks of the message"
		end
	elseif held and held.major == BSTR and
	    #held.s ~= math.ceil(math.ceil(total.n / 256) / 8) then
		wrong = "not one bit for each block"
	end
	if wrong then ctx.note(e.parts, 0, len, wrong) end
end

local function dissect_message(ctx, tree, tvb, s)
	if #s > 131072 then
		breach("form", 0, "more than 131072 bytes")
	end
	local major, _, n, _, at = read_head(s, 0)
	if major ~= ARRAY or n ~= 3 then
		breach("value", 0, "not an array of three elements")
	end
	local version = read_item(s, at, 1)
	local method = read_item(s, version.fin, 1)
	if version.major ~= UINT or method.major ~= UINT then
		breach("value", at, "not a VERSION and a method")
	end
	ctx.edition, ctx.method = version.n, method.n
	if not EDITIONS[version.n] then
		breach("version", at, "VERSION " .. version.exact)
	end
	tree:add(f.version, tvb(at, version.fin - at), version.n)
	tree:add(f.edition, tvb(at, version.fin - at),
	    EDITIONS[version.n]):set_generated()
	local label = METHODS[version.n][method.n]
	local range = tvb(version.fin, method.fin - version.fin)
	if method.n <= 255 then tree:add(f.method, range, method.n) end
	tree:add(f.method_name, range, label or "?"):set_generated()
	if not label then
		ctx.report("method", method.pos, 1, "method " .. method.exact)
	end
	ctx.name = label

	at = method.fin
	major, _, n, _, at = read_head(s, at)
	if major ~= MAP then breach("value", at - 1, "not a map") end
	if n > 64 then breach("value", at - 1, "more than 64 attributes") end
	local values, before = {}, nil
	for _ = 1, n do
		local key = read_item(s, at, 2)
		check_order(before, key.raw, at)
		before = key.raw
		if not int_of(key) then
			breach("value", at, "a key that is no integer")
		end
		if is_too_low(key) then
			breach("value", at, "a code too low")
		end
		local value = read_item(s, key.fin, 2)
		values[int_of(key)] = value
		dissect_attribute(ctx, tree, tvb, key, value)
		at = value.fin
	end
	if at < #s then
		breach("trailing", at, #s - at .. " bytes")
	end
	for code, presence in pairs(ALLOWED[ctx.edition]) do
		if presence[ctx.method] == "M" and not values[code] then
			ctx.report("missing", 0, #s,
			    NAMES[ctx.edition][code])
		end
	end
	if ctx.method == 0 and ctx.valid then check_part(ctx, values, #s) end
end

function proto.dissector(tvb, pinfo, root)
	local len = tvb:len()
	local s = len > 0 and tvb:raw() or ""
	local tree = root:add(proto, tvb())
	local ctx = { valid = true }
	function ctx.note(kind, pos, n, why)
		pos = math.min(pos, math.max(len - 1, 0))
		local range = tvb(pos, math.min(n, len - pos))
		tree:add_proto_expert_info(kind, why)
		return range
	end
	function ctx.report(kind, pos, n, why)
		-- a document and a statement are judged on their own
		if kind ~= "document" and kind ~= "statement" then
			ctx.valid = false
		end
		local range = ctx.note(e[kind], pos, n, why)
		tree:add(f.error, range, kind):set_generated()
	end
	function ctx.refused(err)
		if type(err) ~= "table" then error(err, 0) end
		ctx.report(err.kind or "value", err.pos, err.len or 1,
		    err.text)
	end

	pinfo.cols.protocol = "CPNP"
	local ok, err = pcall(dissect_message, ctx, tree, tvb, s)
	if not ok then ctx.refused(err) end
	tree:add(f.valid, tvb(), ctx.valid):set_generated()
	pinfo.cols.info = (ctx.name or "malformed") ..
	    (ctx.valid and "" or " [malformed]")
	if ctx.name then
		tree:append_text(", " .. ctx.name .. ", " ..
		    EDITIONS[ctx.edition])
	end
	return len
end

---- where messages are found ---------------------------------------------

DissectorTable.get("udp.port"):add(49920, proto)
local dtls = DissectorTable.get("dtls.port")
if dtls then dtls:add(49921, proto) end

-- An array of three, a VERSION, a method and a map.
proto:register_heuristic("udp", function(tvb, pinfo, root)
	if tvb:len() < 4 or tvb(0, 1):uint() ~= 0x83 or
	    tvb(1, 1):uint() > 1 or tvb(2, 1):uint() > 11 or
	    tvb(3, 1):bitfield(0, 3) ~= MAP then
		return false
	end
	proto.dissector(tvb, pinfo, root)
	return true
end)
