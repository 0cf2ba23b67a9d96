/*
 * Replay a scenario: a client and a server with one order, a link in the hands
 * of the scenario, and a clock that stands still until it says otherwise.
 *
 *	replay FILE...
 *
 * A scenario is plain text, one line a step; # begins a comment.  First the
 * settings, with what they are otherwise:
 *
 *	CONFIG EDITION rfc8921 | draft-02	(rfc8921)
 *	CONFIG SIGN yes | no			(no) signatures are made at once
 *	CONFIG RESPONSE_TIME seconds | none	(600) from the order's start
 *	CONFIG TERMS yes | no			(no) offers are to be paid for
 *
 * then steps, numbered for people:
 *
 *	STEP n CLIENT ORDER | ACCEPT | DECLINE | CANCEL | WITHDRAW
 *	STEP n CLIENT UPDATE		60 instead of what was asked for
 *	STEP n CLIENT ACTIVATE [OFF | start [end]]	seconds from now
 *	STEP n SERVER OFFER [EXACT | UPDATED] [seconds valid]
 *					(80 of 100, or as it was asked; 300 s)
 *	STEP n SERVER REFUSE | GRANT
 *	STEP n SERVER MORE_TIME seconds	from now
 *	STEP n SERVER RUNS | RUNS_NOT	the service, by other means
 *	STEP n SERVER BINDS | PAID | NOT_PAID	what it says of a payment
 *	STEP n side RESTARTS		all that is not stored is lost; a
 *					client repeats what it waits for
 *	STEP n side RECEIVES METHOD	the oldest message on its way to side,
 *					which must be of that method
 *	STEP n side RECEIVES_EARLY METHOD	the oldest one of that method,
 *					which overtakes those before it
 *	STEP n side RECEIVES_AGAIN METHOD	the newest one received before
 *	STEP n LOSE METHOD		the oldest one of that method vanishes
 *	STEP n TIME_PASSES 2s | 200ms
 *	STEP n EXPECT side SENDS METHOD [retransmit=1] [status=n]
 *					the oldest message that side has on
 *					its way (it stays there)
 *	STEP n EXPECT side QUIET	none is on its way from side
 *	STEP n EXPECT side STATE name [outstanding]
 *	STEP n EXPECT side AGREEMENT none | Completed | Active | ended
 *	STEP n EXPECT side SERVICE 100 | 80 | 60	of the agreement
 *	STEP n EXPECT side ENDED n	transactions that came to an end
 *	STEP n EXPECT side ALARMS n	withdrawals that were not answered
 *
 * side is CLIENT or SERVER.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../peer/peer.h"

#define WORDS_MAX 8
#define ID "o1"

struct scenario {
	const char *file;
	unsigned line;
	bool is_failed;
	struct pair pair;
	bool sign;
	bool has_terms;
	long response_time; /* 0: none */
	bool is_begun;
	struct peer_mail received[2][CPNP_METHOD_END]; /* by side that got it */
	char *words[WORDS_MAX];
	size_t words_n;
};

static void
fail(struct scenario *sc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void
fail(struct scenario *sc, const char *format, ...)
{
	va_list args;

	(void)fprintf(stderr, "%s:%u: ", sc->file, sc->line);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fprintf(stderr, "\n");
	sc->is_failed = true;
}

/* Word i, or an empty one. */
static const char *
word(const struct scenario *sc, size_t i)
{
	return i < sc->words_n ? sc->words[i] : "";
}

static bool
is_word(const struct scenario *sc, size_t i, const char *text)
{
	return strcmp(word(sc, i), text) == 0;
}

static struct peer *
side_of(struct scenario *sc, size_t i)
{
	if (is_word(sc, i, "CLIENT"))
		return &sc->pair.client;
	if (is_word(sc, i, "SERVER"))
		return &sc->pair.server;
	fail(sc, "\"%s\" is no side: CLIENT or SERVER", word(sc, i));
	return NULL;
}

static struct peer *
other_side(struct scenario *sc, const struct peer *p)
{
	return p == &sc->pair.client ? &sc->pair.server : &sc->pair.client;
}

static const char *
name_of(const struct peer_mail *mail)
{
	return cpnp_method_name(CPNP_EDITION_RFC8921, (int)mail->method);
}

static bool
is_method(const struct scenario *sc, size_t i, const struct peer_mail *mail)
{
	return is_word(sc, i, name_of(mail));
}

static void
check_call(struct scenario *sc, int err)
{
	if (err != 0)
		fail(sc, "%s %s: %s", word(sc, 0), word(sc, 1),
		    cpnp_strerror(err));
}

/* Signatures are made as soon as they are asked for. */
static void
settle(struct scenario *sc, struct peer *p)
{
	peer_drain(p);
	while (p->sign != NULL)
		check_call(sc, peer_sign(p, p->name));
}

static void
do_order(struct scenario *sc)
{
	struct peer *client = &sc->pair.client;
	cpnp_quotation q = peer_quotation(client, ID);
	cpnp_order *order = NULL;

	q.edition = sc->pair.edition;
	q.has_response_time = sc->response_time > 0;
	q.expected_response_time.sec =
	    client->now.wall.sec + sc->response_time;
	check_call(sc,
	    cpnp_orders_create(client->orders, &q, &order, client->now));
	peer_drain(client);
	if (order != NULL)
		check_call(sc,
		    cpnp_order_start(client->orders, order, client->handle,
			client->now));
}

static void
do_offer(struct scenario *sc)
{
	struct peer *server = &sc->pair.server;
	bool exact = is_word(sc, 2, "EXACT");
	bool updated = is_word(sc, 2, "UPDATED");
	long valid = strtol(word(sc, exact || updated ? 3 : 2), NULL, 10);
	cpnp_offer offer = peer_offer(server,
	    exact	  ? PEER_SERVICE
		: updated ? PEER_SERVICE_60
			  : PEER_SERVICE_80,
	    valid > 0 ? valid : 300);

	if (sc->has_terms)
		offer.settlement_terms = PEER_TERMS;
	check_call(sc,
	    cpnp_order_offer(server->orders, peer_order(server, ID), &offer,
		server->now));
}

static void
do_accept(struct scenario *sc, struct peer *p, cpnp_order *order)
{
	check_call(sc,
	    sc->has_terms
		? cpnp_order_accept_paid(
		      p->orders, order, PEER_PAYMENT, p->now)
		: cpnp_order_accept(p->orders, order, p->now));
}

static void
do_update(struct scenario *sc, struct peer *p)
{
	cpnp_update update = {PEER_UPDATE(p)};

	check_call(sc,
	    cpnp_order_update(
		p->orders, peer_order(p, ID), &update, p->now));
}

static void
do_activate(struct scenario *sc, struct peer *p)
{
	long start = strtol(word(sc, 2), NULL, 10);
	long end = strtol(word(sc, 3), NULL, 10);
	cpnp_schedule schedule = {.deactivate = is_word(sc, 2, "OFF"),
	    .has_start = start > 0,
	    .start = {p->now.wall.sec + start},
	    .has_end = end > 0,
	    .end = {p->now.wall.sec + end}};

	check_call(sc,
	    cpnp_order_activate(
		p->orders, peer_order(p, ID), &schedule, p->now));
}

/* What a server is told of an agreement, or asks for; false: nothing such. */
static bool
do_server(struct scenario *sc, struct peer *p, cpnp_order *order)
{
	cpnp_wtime date = {
	    p->now.wall.sec + strtol(word(sc, 2), NULL, 10)};

	if (is_word(sc, 1, "GRANT"))
		check_call(sc, cpnp_order_grant(p->orders, order, p->now));
	else if (is_word(sc, 1, "MORE_TIME"))
		check_call(sc,
		    cpnp_order_more_time(p->orders, order, date,
			CPNP_SUBCODE_LOCAL_UPGRADE, p->now));
	else if (is_word(sc, 1, "RUNS") || is_word(sc, 1, "RUNS_NOT"))
		check_call(sc,
		    cpnp_order_set_active(p->orders, order,
			is_word(sc, 1, "RUNS"), p->now));
	else if (is_word(sc, 1, "BINDS"))
		check_call(sc, cpnp_order_set_binding(p->orders, order));
	else if (is_word(sc, 1, "PAID"))
		check_call(sc, cpnp_order_paid(p->orders, order, p->now));
	else if (is_word(sc, 1, "NOT_PAID"))
		check_call(sc,
		    cpnp_order_not_paid(p->orders, order,
			CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, p->now));
	else
		return false;
	return true;
}

static void
do_restart(struct scenario *sc, struct peer *p)
{
	cpnp_order *order;

	peer_crash(p);
	order = peer_order(p, ID);
	if (order == NULL || p == &sc->pair.server)
		return;
	check_call(sc,
	    cpnp_order_set_peer(p->orders, order, p->handle, true, p->now));
}

static void
keep_received(struct scenario *sc, const struct peer *p,
    const struct peer_mail *mail)
{
	struct peer_mail *slot =
	    &sc->received[p == &sc->pair.server][mail->method];

	free(slot->bytes);
	*slot = *mail;
}

static void
feed(struct peer *p, const struct peer_mail *mail)
{
	(void)peer_feed(p, p->other, (cpnp_bytes){mail->bytes, mail->len});
}

static struct peer_mail
take(struct peer *p, size_t i)
{
	struct peer_mail mail = p->outbox[i];

	p->outbox_n--;
	memmove(&p->outbox[i], &p->outbox[i + 1],
	    (p->outbox_n - i) * sizeof(mail));
	return mail;
}

static void
do_receive(struct scenario *sc, struct peer *p)
{
	struct peer *from = other_side(sc, p);
	struct peer_mail mail;

	if (from->outbox_n == 0) {
		fail(sc, "nothing is on its way to %s", p->name);
		return;
	}
	if (!is_method(sc, 2, &from->outbox[0])) {
		fail(sc, "the oldest message on its way is %s, not %s",
		    name_of(&from->outbox[0]), word(sc, 2));
		return;
	}
	mail = take(from, 0);
	feed(p, &mail);
	keep_received(sc, p, &mail);
}

static void
do_receive_early(struct scenario *sc, struct peer *p)
{
	struct peer *from = other_side(sc, p);
	struct peer_mail mail;
	size_t i = 0;

	while (i < from->outbox_n && !is_method(sc, 2, &from->outbox[i]))
		i++;
	if (i == from->outbox_n) {
		fail(sc, "no %s is on its way to %s", word(sc, 2), p->name);
		return;
	}
	mail = take(from, i);
	feed(p, &mail);
	keep_received(sc, p, &mail);
}

static void
do_receive_again(struct scenario *sc, struct peer *p)
{
	struct peer_mail *seen = sc->received[p == &sc->pair.server];

	for (int method = 0; method < CPNP_METHOD_END; method++)
		if (seen[method].bytes != NULL &&
		    is_method(sc, 2, &seen[method])) {
			feed(p, &seen[method]);
			return;
		}
	fail(sc, "no %s was received before", word(sc, 2));
}

static void
do_side(struct scenario *sc)
{
	struct peer *p = side_of(sc, 0);
	cpnp_order *order;

	if (p == NULL)
		return;
	order = peer_order(p, ID);
	if (is_word(sc, 1, "ORDER"))
		do_order(sc);
	else if (is_word(sc, 1, "RECEIVES"))
		do_receive(sc, p);
	else if (is_word(sc, 1, "RECEIVES_EARLY"))
		do_receive_early(sc, p);
	else if (is_word(sc, 1, "RECEIVES_AGAIN"))
		do_receive_again(sc, p);
	else if (is_word(sc, 1, "RESTARTS"))
		do_restart(sc, p);
	else if (order == NULL)
		fail(sc, "there is no order to %s", word(sc, 1));
	else if (is_word(sc, 1, "OFFER"))
		do_offer(sc);
	else if (is_word(sc, 1, "UPDATE"))
		do_update(sc, p);
	else if (is_word(sc, 1, "ACTIVATE"))
		do_activate(sc, p);
	else if (is_word(sc, 1, "REFUSE"))
		check_call(sc,
		    cpnp_order_refuse(p->orders, order,
			CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, p->now));
	else if (is_word(sc, 1, "ACCEPT"))
		do_accept(sc, p, order);
	else if (is_word(sc, 1, "DECLINE"))
		check_call(sc,
		    cpnp_order_decline(p->orders, order, NULL, 0, p->now));
	else if (is_word(sc, 1, "CANCEL"))
		check_call(sc, cpnp_order_cancel(p->orders, order, p->now));
	else if (is_word(sc, 1, "WITHDRAW"))
		check_call(sc, cpnp_order_withdraw(p->orders, order, p->now));
	else if (!do_server(sc, p, order))
		fail(sc, "\"%s\" is nothing that a side does", word(sc, 1));
	settle(sc, p);
}

static void
do_lose(struct scenario *sc)
{
	struct peer *sides[] = {&sc->pair.client, &sc->pair.server};

	for (int i = 0; i < 2; i++)
		for (size_t j = 0; j < sides[i]->outbox_n; j++)
			if (is_method(sc, 1, &sides[i]->outbox[j])) {
				free(take(sides[i], j).bytes);
				return;
			}
	fail(sc, "no %s is on its way", word(sc, 1));
}

static void
do_time(struct scenario *sc)
{
	char *unit;
	unsigned long n = strtoul(word(sc, 1), &unit, 10);

	if (strcmp(unit, "s") == 0)
		pair_advance(&sc->pair, CPNP_SECONDS(n));
	else if (strcmp(unit, "ms") == 0)
		pair_advance(&sc->pair, CPNP_MILLISECONDS(n));
	else
		fail(sc, "\"%s\" is no time: 2s or 200ms", word(sc, 1));
}

static void
expect_sends(struct scenario *sc, const struct peer *p)
{
	const struct peer_mail *mail = &p->outbox[0];
	cpnp_msg msg;

	if (p->outbox_n == 0) {
		fail(sc, "expected %s, nothing was sent", word(sc, 3));
		return;
	}
	if (!is_method(sc, 3, mail))
		fail(sc, "expected %s, %s was sent", word(sc, 3),
		    name_of(mail));
	(void)cpnp_msg_decode(
	    &msg, (cpnp_bytes){mail->bytes, mail->len}, NULL);
	for (size_t i = 4; i < sc->words_n; i++) {
		if (is_word(sc, i, "retransmit=1")) {
			if (!mail->again)
				fail(sc, "it is no retransmission");
		} else if (strncmp(word(sc, i), "status=", 7) == 0) {
			if (atoi(word(sc, i) + 7) != (int)msg.status)
				fail(sc, "its status is %d", (int)msg.status);
		} else {
			fail(sc, "\"%s\": retransmit=1 or status=n",
			    word(sc, i));
		}
	}
}

static void
expect_state(struct scenario *sc, const struct peer *p)
{
	const cpnp_order *order = peer_order(p, ID);
	const char *state = order == NULL
	    ? "none"
	    : cpnp_state_name(cpnp_order_state(order));
	bool outstanding = order != NULL && cpnp_order_is_outstanding(order);

	if (strcmp(state, word(sc, 3)) != 0)
		fail(sc, "expected %s, it is %s", word(sc, 3), state);
	if (outstanding != is_word(sc, 4, "outstanding"))
		fail(sc, "it is %soutstanding", outstanding ? "" : "not ");
}

static void
expect_agreement(struct scenario *sc, const struct peer *p)
{
	const cpnp_order *order = peer_order(p, ID);
	const char *state = cpnp_agreement_state_name(order == NULL
		? CPNP_AGREEMENT_NONE
		: cpnp_order_agreement_state(order));

	if (strcmp(state, word(sc, 3)) != 0)
		fail(sc, "the agreement is %s", state);
}

static void
expect_service(struct scenario *sc, const struct peer *p)
{
	static cpnp_agreement agreement;
	const cpnp_order *order = peer_order(p, ID);
	cpnp_bytes is;
	long mbit = strtol(word(sc, 3), NULL, 10);

	if (order == NULL ||
	    cpnp_order_get_standing(order, &agreement) != 0) {
		fail(sc, "there is no agreement");
		return;
	}
	/* the last byte tells them apart */
	is = agreement.service_description;
	if (is.ptr[is.len - 1] != mbit)
		fail(sc, "it is %d", is.ptr[is.len - 1]);
}

static void
do_expect(struct scenario *sc)
{
	const struct peer *p = side_of(sc, 1);

	if (p == NULL)
		return;
	if (is_word(sc, 2, "SENDS"))
		expect_sends(sc, p);
	else if (is_word(sc, 2, "STATE"))
		expect_state(sc, p);
	else if (is_word(sc, 2, "QUIET")) {
		if (p->outbox_n > 0)
			fail(sc, "%s was sent", name_of(&p->outbox[0]));
	} else if (is_word(sc, 2, "AGREEMENT")) {
		expect_agreement(sc, p);
	} else if (is_word(sc, 2, "SERVICE")) {
		expect_service(sc, p);
	} else if (is_word(sc, 2, "ALARMS")) {
		if ((unsigned)atoi(word(sc, 3)) != p->alarms)
			fail(sc, "there were %u alarms", p->alarms);
	} else if (is_word(sc, 2, "ENDED")) {
		if ((unsigned)atoi(word(sc, 3)) != p->ended)
			fail(sc, "%u came to an end", p->ended);
	} else {
		fail(sc, "\"%s\" cannot be expected", word(sc, 2));
	}
}

static void
do_config(struct scenario *sc)
{
	if (is_word(sc, 1, "SIGN"))
		sc->sign = is_word(sc, 2, "yes");
	else if (is_word(sc, 1, "TERMS"))
		sc->has_terms = is_word(sc, 2, "yes");
	else if (is_word(sc, 1, "RESPONSE_TIME"))
		sc->response_time = strtol(word(sc, 2), NULL, 10);
	else if (!is_word(sc, 1, "EDITION") ||
	    cpnp_edition_parse(word(sc, 2), &sc->pair.edition) != 0)
		fail(sc, "\"%s %s\" is no setting", word(sc, 1), word(sc, 2));
}

static void
do_step(struct scenario *sc)
{
	if (!sc->is_begun) {
		sc->is_begun = true;
		pair_init(&sc->pair, sc->pair.edition, sc->sign);
	}
	/* the words without "STEP n" */
	sc->words_n -= sc->words_n < 2 ? sc->words_n : 2;
	memmove(&sc->words[0], &sc->words[2],
	    sc->words_n * sizeof(sc->words[0]));
	if (is_word(sc, 0, "EXPECT"))
		do_expect(sc);
	else if (is_word(sc, 0, "LOSE"))
		do_lose(sc);
	else if (is_word(sc, 0, "TIME_PASSES"))
		do_time(sc);
	else
		do_side(sc);
	settle(sc, &sc->pair.client);
	settle(sc, &sc->pair.server);
}

static void
do_line(struct scenario *sc, char *line)
{
	char *text;

	line[strcspn(line, "#\n")] = '\0';
	sc->words_n = 0;
	while ((text = strsep(&line, " \t")) != NULL)
		if (*text != '\0' && sc->words_n < WORDS_MAX)
			sc->words[sc->words_n++] = text;
	if (sc->words_n == 0)
		return;
	if (is_word(sc, 0, "CONFIG"))
		do_config(sc);
	else if (is_word(sc, 0, "STEP"))
		do_step(sc);
	else
		fail(sc, "\"%s\": CONFIG or STEP", word(sc, 0));
}

static bool
replay(const char *name)
{
	static struct scenario sc;
	char line[256];
	FILE *file = fopen(name, "r");

	memset(&sc, 0, sizeof(sc));
	sc.file = name;
	sc.response_time = 600;
	sc.pair.edition = CPNP_EDITION_RFC8921;
	if (file == NULL) {
		fail(&sc, "cannot be read");
		return false;
	}
	while (!sc.is_failed && fgets(line, sizeof(line), file) != NULL) {
		sc.line++;
		do_line(&sc, line);
	}
	(void)fclose(file);
	if (!sc.is_begun)
		fail(&sc, "there is no step");
	else
		pair_fini(&sc.pair);
	for (int side = 0; side < 2; side++)
		for (int method = 0; method < CPNP_METHOD_END; method++)
			free(sc.received[side][method].bytes);
	return !sc.is_failed;
}

int
main(int argc, char **argv)
{
	int failed = argc < 2;

	for (int i = 1; i < argc; i++)
		failed += !replay(argv[i]);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
