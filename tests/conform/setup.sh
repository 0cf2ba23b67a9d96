# What the tests of cpnp-conform share; source it after e2e/lib.sh.  A provider
# whose customers sign nothing, who counts no FAILs, and whose offers end soon
# when OFFER_VALIDITY says so.
conform=$build/tests/conform/cpnp-conform
udp="127.0.0.1:$udp_port --other-source 127.2.0.1"
dtls="127.0.0.1:$dtls_port --dtls --cert $dir/pki/client.pem
    --key $dir/pki/client.key --ca $dir/pki/ca.pem
    --server-name provider.example --other-cert $dir/pki/client-p256.pem
    --other-key $dir/pki/client-p256.key"

sed "s/offer-validity=\"[^\"]*\"/offer-validity=\"${OFFER_VALIDITY:-1 h}\"/" \
    "$examples/catalogue.xml" >"$dir/catalogue.xml"
catalogue=$dir/catalogue.xml
{
	provider_config
	cat <<-CONF
		limits {
			fails-per-second = 100000
		}
		access "127.2.0.0/16" {
			identity = "other.example"
		}
	CONF
} >"$dir/cpnpd.conf"
