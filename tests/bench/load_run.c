/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* Handshakes under way at once, well under what a server allows. */
#define CONNECTING_MAX 32
/* Lines about sessions that failed; thousands fail of the same cause. */
#define COMPLAINTS_MAX 5
/* The longest time that nothing looks at the clock. */
#define TICK_NS CPNP_MILLISECONDS(100)

static cpnp_tstamp
seconds(double s)
{
	return (cpnp_tstamp)(s * 1e9);
}

static uint64_t
under_way(const struct load *load)
{
	return load->started - load->finished;
}

/* Is there an end to starting, and has it come? */
static bool
has_started_all(const struct load *load, cpnp_tstamp now)
{
	const struct load_options *o = &load->options;

	if (o->count != 0 && load->started >= o->count)
		return true;
	return o->duration > 0 && now >= load->begin + seconds(o->duration);
}

/* Open loop: when order n is due, whatever has become of those before it. */
static cpnp_tstamp
due(const struct load *load, uint64_t n)
{
	return load->begin + seconds((double)n / load->options.rate);
}

/*
 * Start what is due.  An open loop counts the latency from the moment at
 * which an order was due, so that a server that stops answering cannot hide
 * it by making us late.
 */
static void
start_orders(struct load *load)
{
	const struct load_options *o = &load->options;
	cpnp_tstamp now = cpnp_now_read().mono;

	if (o->rate > 0) {
		while (!has_started_all(load, now) &&
		    due(load, load->started) <= now)
			load_order_start(load, due(load, load->started));
		return;
	}
	while (!has_started_all(load, now) && under_way(load) < o->concurrency)
		load_order_start(load, cpnp_now_read().mono);
}

static cpnp_tstamp
next_moment(const struct load *load, cpnp_tstamp now)
{
	cpnp_tstamp next = now + TICK_NS;
	cpnp_tstamp expiry = cpnp_orders_expiry(load->orders);

	if (expiry < next)
		next = expiry;
	if (load->options.rate > 0 && !has_started_all(load, now) &&
	    due(load, load->started) < next)
		next = due(load, load->started);
	return next;
}

/* Everything that is due, then the timer for what comes next. */
static void
turn(struct load *load)
{
	cpnp_tstamp now, next;
	struct timeval tv;

	if (!load->running || load->stopped)
		return;
	load_order_timers(load);
	start_orders(load);
	load_order_sign(load);
	cpnp_net_flush(load->net);
	now = cpnp_now_read().mono;
	if (has_started_all(load, now)) {
		if (load->deadline == 0)
			load->deadline = now + seconds(load->options.timeout);
		if (under_way(load) == 0 || now >= load->deadline) {
			load->stopped = true;
			(void)event_base_loopbreak(load->base);
			return;
		}
	}
	next = next_moment(load, now);
	next = next > now ? next - now : 0;
	tv.tv_sec = (time_t)(next / 1000000000u);
	tv.tv_usec = (suseconds_t)(next % 1000000000u / 1000u);
	(void)event_add(load->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	turn(user);
}

static void
on_message(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now)
{
	load_order_message(user, peer, identity, datagram, now);
}

static void
on_batch_end(void *user, cpnp_now now)
{
	(void)now;
	turn(user);
}

static void
fail(struct load *load, int err)
{
	load->err = err;
	load->stopped = true;
	(void)event_base_loopbreak(load->base);
}

/* All sessions are up, or there are none to wait for. */
static int
run_begin(struct load *load)
{
	cpnp_bytes identity =
	    cpnp_net_peer_identity(load->net, load->peers[0]);

	if (identity.len == 0 || identity.len > CPNP_IDENTITY_MAX)
		return CPNP_ERR_INTERNAL;
	memcpy(load->server_identity_text, identity.ptr, identity.len);
	load->server_identity =
	    (cpnp_bytes){(const uint8_t *)load->server_identity_text,
		identity.len};
	load->begin = load->end = cpnp_now_read().mono;
	load->cpu_begin = load->cpu_end = clock();
	load->running = true;
	turn(load);
	return 0;
}

static void
connect_more(struct load *load)
{
	cpnp_now now = cpnp_now_read();
	int err = 0;

	while (err == 0 && load->connecting < load->options.clients &&
	    load->connecting - load->up < CONNECTING_MAX)
		err = cpnp_net_reconnect(
		    load->net, load->peers[load->connecting++], now);
	if (err != 0)
		fail(load, err);
}

static void
on_event(void *user, cpnp_peer peer, cpnp_net_event event,
    const cpnp_diag *diag, cpnp_now now)
{
	struct load *load = user;
	int err;

	(void)peer;
	(void)now;
	if (event != CPNP_NET_UP && load->complaints++ < COMPLAINTS_MAX)
		(void)fprintf(stderr, "cpnp-load: session %s: %s: %s\n",
		    event == CPNP_NET_DOWN ? "down" : "failed", diag->where,
		    diag->why);
	if (load->running || load->stopped)
		return;
	if (event != CPNP_NET_UP) {
		fail(load, diag->err != 0 ? diag->err : CPNP_ERR_UNAVAILABLE);
		return;
	}
	load->up++;
	if (load->up < load->options.clients) {
		connect_more(load);
		return;
	}
	err = run_begin(load);
	if (err != 0)
		fail(load, err);
}

static int
complain(int err, const cpnp_diag *diag)
{
	if (err != 0)
		(void)fprintf(
		    stderr, "cpnp-load: %s: %s\n", diag->where, diag->why);
	return err;
}

static int
make_net(struct load *load)
{
	const struct load_options *o = &load->options;
	cpnp_net_config config = {
	    .callbacks = {load, on_message, on_batch_end, on_event},
	    .env = load->env,
	};
	cpnp_net_tls tls = {
	    .certificate = o->cert, .key = o->key, .ca = o->ca};
	cpnp_net_target target = {
	    .transport = o->udp ? CPNP_TRANSPORT_UDP : CPNP_TRANSPORT_DTLS,
	    .address = o->server,
	    .source = o->source,
	    .name = o->udp ? NULL : o->server_name,
	    .identity = o->udp ? o->server_name : NULL,
	};
	cpnp_diag diag = {.err = 0};
	unsigned i;
	int err;

	err = cpnp_net_new(&load->net, load->base, &config);
	if (err == 0 && !o->udp)
		err = complain(cpnp_net_reload_tls(load->net, CPNP_NET_CLIENT,
				   &tls, &diag),
		    &diag);
	for (i = 0; i < o->clients && err == 0; i++)
		err = complain(cpnp_net_connect(load->net, &target,
				   &load->peers[i], &diag),
		    &diag);
	return err;
}

static int
make_orders(struct load *load)
{
	cpnp_orders_config config;
	uint8_t random[8];
	size_t i;

	if (load->env->random(load->env->user, random, sizeof(random)) != 0)
		return CPNP_ERR_RANDOM;
	for (i = 0; i < sizeof(random); i++)
		(void)snprintf(load->prefix + 2 * i, 3, "%02x", random[i]);
	cpnp_orders_config_default(&config);
	config.identity = load->options.udp
	    ? cpnp_bytes_str(load->options.identity)
	    : cpnp_net_identity(load->net, CPNP_NET_CLIENT);
	config.sign = load->options.sign;
	return cpnp_orders_new(&load->orders, &config, load->env);
}

/* Whoever signs also checks what is signed, as clients do. */
static int
make_keys(struct load *load)
{
	const struct load_options *o = &load->options;
	cpnp_diag diag = {.err = 0};
	int err;

	if (!o->sign)
		return 0;
	err = complain(
	    cpnp_signer_load(&load->signer, o->key, o->cert, NULL, &diag),
	    &diag);
	if (err == 0)
		err = cpnp_trust_new(&load->trust);
	if (err == 0)
		err = complain(
		    cpnp_trust_add_ca_file(load->trust, o->ca, &diag), &diag);
	return err;
}

int
load_run(struct load *load)
{
	int err = CPNP_ERR_NOMEM;

	load->env = cpnp_env_openssl();
	LIST_INIT(&load->jobs);
	TAILQ_INIT(&load->to_sign);
	load->base = event_base_new();
	load->peers = calloc(load->options.clients, sizeof(*load->peers));
	if (load->base == NULL || load->peers == NULL)
		goto out;
	load->timer = evtimer_new(load->base, on_timer, load);
	if (load->timer == NULL)
		goto out;
	err = make_net(load);
	if (err == 0)
		err = make_keys(load);
	if (err == 0)
		err = make_orders(load);
	if (err != 0)
		goto out;
	if (load->options.udp)
		err = run_begin(load);
	else
		connect_more(load);
	if (err == 0 && !load->stopped)
		(void)event_base_dispatch(load->base);
	load->cpu_end = clock();
	err = err != 0 ? err : load->err;
out:
	load_order_clear(load);
	cpnp_orders_del(load->orders);
	cpnp_net_del(load->net);
	if (load->timer != NULL)
		event_free(load->timer);
	if (load->base != NULL)
		event_base_free(load->base);
	cpnp_signer_del(load->signer);
	cpnp_trust_del(load->trust);
	free(load->peers);
	return err;
}
