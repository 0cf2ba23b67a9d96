# Several domains on loopback, each a provider and a customer of the others.
# Source it after e2e_begin; $domains names those that there are.
#
# SPDX-License-Identifier: BSD-2-Clause

declare -A pids at=([alpha]=127.0.0.2 [beta]=127.0.0.3 [gamma]=127.0.0.4)
COMPLETED=8 CANCELLED=9 ACCEPT_RECEIVED=13 CHILD_COMPLETED=20
domains='alpha beta gamma'

stop() { # name
	[ -n "${pids[$1]:-}" ] || return 0
	kill -CONT "${pids[$1]}" 2>/dev/null
	kill -9 "${pids[$1]}" 2>/dev/null
	wait "${pids[$1]}" 2>/dev/null
	unset "pids[$1]"
}

stop_all() {
	local name
	for name in "${!pids[@]}"; do
		stop "$name"
	done
}

ready() {
	grep -q ready "$dir/$1.log" || ! kill -0 "${pids[$1]}" 2>/dev/null
}

start() { # name [NAME=VALUE...]: with an environment of its own
	stop "$1"
	: >"$dir/$1.log"
	env "${@:2}" "$cpnpd" -c "$dir/$1.conf" >>"$dir/$1.log" 2>&1 &
	pids[$1]=$!
	until_true 20 ready "$1" && kill -0 "${pids[$1]}"
}

place() { # name capacity price delay
	echo "<place name='$1' capacity='$2' price='$3' delay='$4'
	    delay-variation='1 ms' loss='10 ppm' availability='99.99 %'/>"
}

catalogue() { # places
	cat <<-XML
		<catalogue xmlns="urn:cpnp:catalogue:1">
		<provider name="One of three" email="noc@provider.example"/>
		<token code="EUR" exponent="3"/>
		<terms offer-validity="${validity:-1 h}" open-term="30 d" minimum-term="1 h"
		    minimum="1 Mbit/s" maximum="10 Gbit/s" step="1 Mbit/s"/>
		<test maximum="10 Mbit/s" duration="24 h"/>
		<network mtu="9000 bytes" separation="isolated"/>
		$1
		</catalogue>
	XML
}

# domain NAME PLACES CUSTOMERS SECTIONS
domain() {
	catalogue "$2" >"$dir/$1.xml"
	cat >"$dir/$1.conf" <<-CONF
		listen-dtls = "${at[$1]}:$dtls_port"
		certificate = "$dir/pki/$1.pem"
		key = "$dir/pki/$1.key"
		ca = "$dir/pki/ca.pem"
		store = "$dir/$1.db"
		catalogue = "$dir/$1.xml"
		log { level = debug }
		timers {
			retrans-timer = "200 ms"
			resend-interval = "20 ms"
			expected-offer-time = "${expected:-20 s}"
			linger = "1 s"
		}
		children {
			accept = ${accept:-on-accept}
			margin = "1 s"
			repeat-min = "1 s"
			repeat-max = "2 s"
		}
		$3
		$4
	CONF
}

neighbour() { # name, place, what lies behind
	echo "neighbour \"$1.example\" { server = \"${at[$1]}:$dtls_port\"
	    place = \"$2\" reaches = $3 }"
}

both() {
	echo "customer \"customer.example\" { require-statement = no }
	customer \"alpha.example\" { } customer \"beta.example\" { }"
}

# document PLACE PLACE RATE DELAY
document() {
	cat <<-XML
		<cpd xmlns="urn:cpnp:cpd:1"><component>
		<profile name="secret-profile"><nodes>
		<node id="secret-headquarters" place="$1"
		    address="1 Secret Street" site="secret-site-1"/>
		<node id="secret-branch" place="$2"
		    address="2 Secret Street" site="secret-site-2"/>
		</nodes>
		<qos><delay value="$4" statistic="maximum"/></qos>
		<capacity><rate in="$3" out="$3"/></capacity>
		</profile></component></cpd>
	XML
}

# "state/agreement/settled" of all orders of a role, oldest first
orders() { # name, role
	sqlite3 "$dir/$1.db" "select group_concat(s, ' ') from (select
	    state || '/' || agreement || '/' || settled as s from orders
	    where role = $2 order by id)"
}

newest() { # name, role
	sqlite3 "$dir/$1.db" "select state || '/' || agreement || '/' ||
	    settled from orders where role = $2 order by id desc limit 1"
}

held() { # name: what is held or bought there
	sqlite3 "$dir/$1.db" "select count(*) from holds"
}

is() { # wanted, command...: wait for what it says
	local want=$1
	shift
	until_true 20 eval "[ \"\$($*)\" = '$want' ]" ||
	    { echo "\"$($*)\" is not \"$want\""; return 1; }
}

open_orders() {
	sqlite3 "$dir/$1.db" "select count(*) from orders where settled = 0"
}

nothing_is_left() { # after what was agreed
	local name
	for name in $domains; do
		is 0 open_orders $name || return 1
		is "${1:-0}" held $name || return 1
	done
}
