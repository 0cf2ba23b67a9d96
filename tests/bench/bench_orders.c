/*
 * Complete orders on a shared log, at a steady rate: does it keep up, what
 * does an order cost in bytes, and how late is its money?
 *
 *	bench-orders [-v] [-r RATE] [-t SECONDS] [-w NAME=VALUE] DIRECTORY
 *	    BACKEND NAME=VALUE...
 *
 * Customers authorize, each order with a signature of its own as in an ACCEPT;
 * the provider puts that on the log, and acknowledges when it is final there,
 * many with one signature; the service runs for some seconds and is settled by
 * itself.  Each second an operator ticks and the provider anchors its journal.
 * The log is that of ../backends/shared_log.h; -v says each second how it goes.
 * What it tells:
 *
 *	lag	from handing the authorization over until the escrow is posted
 *	bytes	of calldata of an order, all of the log but its genesis: the
 *		batches, each as the argument of append() in log.sol
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../ledger-bridge/journal/internal.h"
#include "../backends/shared_log.h"
#include "hist.h"

#define CUSTOMERS 200
#define SIGNERS (CUSTOMERS + 2)
#define BANK CUSTOMERS /* issuer and operator */
#define PROVIDER (CUSTOMERS + 1)
#define PRICE 1250
#define MINTED 1000000000000
#define SERVICE_TIME 5
#define CLAIM_TIME 2
#define ACK_LIFE 60   /* seconds that an acknowledgement may take */
#define TOGETHER 64   /* acknowledgements of one signature */
#define ACK_WAIT 0.05 /* seconds that one waits for company */
#define TURN_US 5000
#define PATIENCE 60 /* seconds after the last order */
/* append(uint64,bytes): selector, number, offset, length, whole words */
#define APPEND_BYTES (4 + 3 * 32)
#define WORD 32

struct order {
	cpnp_buf authorization; /* signed */
	uint8_t id[CPNP_SHA256_LEN];
	double at, posted;
	bool settled;
};

static struct order *orders;
static size_t order_n;
static size_t *slots, slot_n; /* index + 1 by id */
static cpnp_signer *signers[SIGNERS];
static char names[SIGNERS][32];
static uint8_t ledger_id[CPNP_SHA256_LEN];
static cpnp_buf genesis;
static cpnp_bridge *bridge;
static uint64_t seen; /* outcomes */
static size_t acks[CPNP_SIGN_BATCH_MAX], ack_n;
static double ack_since;
static size_t submitted, posted, settled;
static struct hist lags, late_lags;
static bool verbose;

static _Noreturn void
die(const char *what, const char *why)
{
	(void)printf("not ok - %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static cpnp_buf
new_buf(void)
{
	cpnp_buf buf;

	cpnp_buf_init(&buf, &ledger_mem, SIZE_MAX);
	return buf;
}

/* ---- What there is before ---- */

static void
make_keys(const char *dir, struct ledger_key *keys)
{
	cpnp_diag diag = {.err = 0};
	char path[4096];

	for (int i = 0; i < SIGNERS; i++) {
		(void)snprintf(names[i], sizeof(names[i]),
		    i == BANK	      ? "bank.example.net"
			: i == PROVIDER ? "provider.example.net"
					: "customer-%03d.example.net",
		    i);
		(void)snprintf(path, sizeof(path), "%s/%d.key", dir, i);
		if (cpnp_key_generate(path, "ed25519", &diag) != 0 ||
		    cpnp_signer_load(
			&signers[i], NULL, NULL, path, &diag) != 0 ||
		    ledger_key_load_private(&keys[i], path, &diag) != 0)
			die(path, diag.why);
	}
}

static void
make_genesis(const char *dir)
{
	static struct ledger_key keys[SIGNERS];
	static cpnp_genesis_account accounts[SIGNERS];
	const cpnp_genesis_token token = {
	    CPNP_BYTES_LIT("bank.example.net"), CPNP_BYTES_LIT("EUR"), 2};
	cpnp_genesis g = {.name = CPNP_BYTES_LIT("bench"),
	    .salt = CPNP_BYTES_LIT("0123456789abcdef"),
	    .rules = CPNP_RULES_VERSION,
	    .time = {(int64_t)time(NULL)},
	    .accounts = accounts,
	    .account_n = SIGNERS,
	    .tokens = &token,
	    .token_n = 1};
	cpnp_diag diag = {.err = 0};
	cpnp_bytes bytes;

	make_keys(dir, keys);
	for (int i = 0; i < SIGNERS; i++)
		accounts[i] = (cpnp_genesis_account){cpnp_bytes_str(names[i]),
		    i == BANK	      ? CPNP_ROLE_ISSUER | CPNP_ROLE_OPERATOR
			: i == PROVIDER ? CPNP_ROLE_PROVIDER
					: CPNP_ROLE_CUSTOMER,
		    {keys[i].spki, keys[i].spki_len}, CPNP_BYTES_NONE};
	cpnp_settings_default(&g.settings);
	genesis = new_buf();
	if (cpnp_genesis_encode(&g, &genesis, &diag) != 0)
		die(diag.where, diag.why);
	bytes = cpnp_buf_bytes(&genesis);
	if (hash_once(&bytes, 1, ledger_id) != 0)
		die("genesis", "SHA-256 failed");
	for (int i = 0; i < SIGNERS; i++)
		ledger_key_fini(&keys[i]);
}

/* ---- Operations ---- */

#define HAVE(op, name) ((op).has |= CPNP_OP_FIELD_BIT(name))

static cpnp_op
new_op(unsigned type, int who, int64_t life)
{
	static uint64_t count;
	static uint8_t idem[16];
	cpnp_op op = {.type = type, .account = cpnp_bytes_str(names[who])};

	memcpy(op.ledger, ledger_id, sizeof(op.ledger));
	if (life > 0) {
		count++;
		/* as long as a random one, and as few zeros */
		memset(idem, 0xa5, sizeof(idem));
		memcpy(idem, &count, sizeof(count));
		op.idem = (cpnp_bytes){idem, sizeof(idem)};
		op.expiry = (int64_t)time(NULL) + life;
	}
	return op;
}

static cpnp_buf
encode(const cpnp_op *op)
{
	cpnp_buf buf = new_buf();
	cpnp_diag diag = {.err = 0};

	if (cpnp_op_encode(op, &buf, &diag) != 0)
		die(diag.where, diag.why);
	return buf;
}

static void
hand_over(const cpnp_bytes *ops, size_t n)
{
	int err;

	do {
		err = cpnp_bridge_submit_all(bridge, ops, n, NULL);
		if (err == CPNP_ERR_FULL)
			(void)usleep(TURN_US);
	} while (err == CPNP_ERR_FULL);
	if (err != 0)
		die("submit", cpnp_strerror(err));
}

/* One operation, alone. */
static void
submit_op(const cpnp_op *op, int who)
{
	cpnp_buf plain = encode(op), out = new_buf();
	cpnp_bytes bytes = cpnp_buf_bytes(&plain);

	if (cpnp_op_sign(signers[who], &bytes, 1, &out) != 0)
		die("sign", "failed");
	bytes = cpnp_buf_bytes(&out);
	hand_over(&bytes, 1);
	cpnp_buf_fini(&plain);
	cpnp_buf_fini(&out);
}

/* Time, and the head of a journal that grows with the orders. */
static void
submit_tick(void)
{
	uint8_t root[CPNP_SHA256_LEN];
	cpnp_op op = new_op(CPNP_OP_TICK, BANK, 0);

	op.time = (int64_t)time(NULL);
	HAVE(op, TIME);
	submit_op(&op, BANK);
	if (submitted == 0)
		return;
	op = new_op(CPNP_OP_ANCHOR, PROVIDER, 0);
	memcpy(root, orders[submitted - 1].id, sizeof(root));
	op.origin = CPNP_BYTES_LIT("provider.example.net/journal");
	op.size = 3 * submitted;
	op.root = (cpnp_bytes){root, sizeof(root)};
	HAVE(op, ORIGIN), HAVE(op, SIZE), HAVE(op, ROOT);
	submit_op(&op, PROVIDER);
}

static void
slot_add(size_t index)
{
	uint64_t at;

	memcpy(&at, orders[index].id, sizeof(at));
	while (slots[at % slot_n] != 0)
		at++;
	slots[at % slot_n] = index + 1;
}

static struct order *
order_of(const uint8_t id[CPNP_SHA256_LEN])
{
	uint64_t at;
	size_t i;

	memcpy(&at, id, sizeof(at));
	while ((i = slots[at++ % slot_n]) != 0)
		if (memcmp(orders[i - 1].id, id, CPNP_SHA256_LEN) == 0)
			return &orders[i - 1];
	return NULL;
}

/* What comes in an ACCEPT, made before the clock runs. */
static void
authorize(size_t i)
{
	struct order *order = &orders[i];
	uint8_t digest[CPNP_SHA256_LEN], sla[CPNP_SHA256_LEN];
	cpnp_bytes bytes = {(const uint8_t *)&i, sizeof(i)};
	int who = (int)(i % CUSTOMERS);
	cpnp_op op = new_op(CPNP_OP_AUTHORIZE, who, 3600);
	cpnp_buf plain;

	/* of any agreement and terms */
	if (hash_once(&bytes, 1, digest) != 0)
		die("order", "no digest");
	bytes = (cpnp_bytes){digest, sizeof(digest)};
	if (hash_once(&bytes, 1, sla) != 0)
		die("terms", "no digest");
	op.peer = cpnp_bytes_str(names[PROVIDER]);
	op.issuer = cpnp_bytes_str(names[BANK]);
	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = PRICE;
	op.until = (int64_t)time(NULL) + 3600;
	op.order = (cpnp_bytes){digest, sizeof(digest)};
	op.duration = SERVICE_TIME;
	op.claim_seconds = CLAIM_TIME;
	op.sla = (cpnp_bytes){sla, sizeof(sla)};
	HAVE(op, PEER), HAVE(op, ISSUER), HAVE(op, CODE), HAVE(op, AMOUNT);
	HAVE(op, FEE_MAX), HAVE(op, UNTIL), HAVE(op, ORDER);
	HAVE(op, DURATION), HAVE(op, CLAIM_SECONDS), HAVE(op, SLA);
	plain = encode(&op);
	bytes = cpnp_buf_bytes(&plain);
	order->authorization = new_buf();
	if (hash_once(&bytes, 1, order->id) != 0 ||
	    cpnp_op_sign(signers[who], &bytes, 1, &order->authorization) != 0)
		die("authorization", "cannot be signed");
	cpnp_buf_fini(&plain);
	slot_add(i);
}

/* The acknowledgements that wait, with one signature for many. */
static void
acknowledge(void)
{
	cpnp_buf plain[TOGETHER], out[TOGETHER];
	cpnp_bytes payloads[TOGETHER], ops[TOGETHER];
	size_t n, i, done;

	for (done = 0; done < ack_n; done += n) {
		n = ack_n - done < TOGETHER ? ack_n - done : TOGETHER;
		for (i = 0; i < n; i++) {
			cpnp_op op = new_op(
			    CPNP_OP_ACKNOWLEDGE, PROVIDER, ACK_LIFE);

			op.subject = (cpnp_bytes){
			    orders[acks[done + i]].id, CPNP_SHA256_LEN};
			HAVE(op, SUBJECT);
			plain[i] = encode(&op);
			payloads[i] = cpnp_buf_bytes(&plain[i]);
			out[i] = new_buf();
		}
		if (cpnp_op_sign(signers[PROVIDER], payloads, n, out) != 0)
			die("sign", "failed");
		for (i = 0; i < n; i++)
			ops[i] = cpnp_buf_bytes(&out[i]);
		hand_over(ops, n);
		for (i = 0; i < n; i++) {
			cpnp_buf_fini(&plain[i]);
			cpnp_buf_fini(&out[i]);
		}
	}
	ack_n = 0;
}

/* ---- Running ---- */

static void
take_outcome(const cpnp_outcome *o, double now)
{
	struct order *order;

	if (o->code != CPNP_OUTCOME_ACCEPTED)
		die(cpnp_fact_name(o->kind), cpnp_outcome_name(o->code));
	order = order_of(o->digest);
	if (order == NULL)
		return;
	if (o->kind == CPNP_OP_AUTHORIZE) {
		if (ack_n == 0)
			ack_since = now;
		acks[ack_n++] = (size_t)(order - orders);
		if (ack_n == CPNP_SIGN_BATCH_MAX)
			acknowledge();
	} else if (o->kind == CPNP_FACT_POSTED) {
		order->posted = now;
		posted++;
		now = (now - order->at) * 1000;
		hist_record(&lags, (uint64_t)now);
		/* the last quarter tells whether it falls behind */
		if (order >= orders + order_n / 4 * 3)
			hist_record(&late_lags, (uint64_t)now);
	} else if (o->kind == CPNP_FACT_SETTLED) {
		if (o->amount != PRICE || order->settled)
			die("settled", "not once, or not in full");
		order->settled = true;
		settled++;
	}
}

static void
take_outcomes(void)
{
	cpnp_outcome outcomes[256];
	double now = seconds();
	size_t n, i;

	do {
		if (cpnp_bridge_outcomes(bridge, seen, outcomes, 256, &n) != 0)
			die("outcomes", "cannot be read");
		for (i = 0; i < n; i++)
			take_outcome(&outcomes[i], now);
		seen += n;
	} while (n > 0);
	if (ack_n >= TOGETHER || (ack_n > 0 && now - ack_since > ACK_WAIT))
		acknowledge();
}

static void
submit_until(size_t until, double now)
{
	cpnp_bytes ops[256];
	size_t n;

	while (submitted < until) {
		for (n = 0; n < 256 && submitted < until; n++) {
			orders[submitted].at = now;
			ops[n] = cpnp_buf_bytes(
			    &orders[submitted++].authorization);
		}
		hand_over(ops, n);
	}
}

static void
check_health(void)
{
	cpnp_bridge_status status;

	cpnp_bridge_get_status(bridge, &status);
	if (status.stopped)
		die("bridge", status.text);
}

static void
say_progress(double time)
{
	cpnp_bridge_status status;

	if (!verbose)
		return;
	cpnp_bridge_get_status(bridge, &status);
	(void)printf("# %3.0f s: %zu handed over, %zu posted, %zu settled; "
		     "%" PRIu64 " operations and %" PRIu64 " batches wait; "
		     "%s\n",
	    time, submitted, posted, settled, status.waiting, status.batches,
	    status.text);
	(void)fflush(stdout);
}

static void
run(double rate)
{
	double start = seconds(), now = start, tick = start;
	double end = start + (double)order_n / rate + PATIENCE;
	size_t due;

	for (; settled < order_n && now < end; now = seconds()) {
		due = (size_t)((now - start) * rate);
		submit_until(due < order_n ? due : order_n, now);
		if (now >= tick) {
			submit_tick();
			say_progress(now - start);
			tick += 1;
		}
		take_outcomes();
		check_health();
		(void)usleep(TURN_US);
	}
	if (settled < order_n) {
		(void)printf("# %zu of %zu orders posted, %zu settled\n",
		    posted, order_n, settled);
		die("orders", "not all are settled in time");
	}
}

/* Everybody has something to pay with. */
static void
mint(void)
{
	cpnp_bridge_status status;
	double end = seconds() + PATIENCE;
	cpnp_op op;

	for (int i = 0; i < CUSTOMERS; i++) {
		op = new_op(CPNP_OP_MINT, BANK, 3600);
		op.code = CPNP_BYTES_LIT("EUR");
		op.amount = MINTED;
		op.peer = cpnp_bytes_str(names[i]);
		HAVE(op, CODE), HAVE(op, AMOUNT), HAVE(op, PEER);
		submit_op(&op, BANK);
	}
	do {
		(void)usleep(TURN_US);
		check_health();
		take_outcomes();
		cpnp_bridge_get_status(bridge, &status);
	} while (seen < CUSTOMERS && seconds() < end);
	if (seen < CUSTOMERS)
		die("mint", status.text);
}

/* What the log holds from a position on. */
static uint64_t
calldata(uint64_t position, uint64_t *entries)
{
	const cpnp_backend *backend = shared_log_backend();
	const cpnp_log_setting *settings;
	cpnp_log_record records[64];
	uint8_t prev[CPNP_SHA256_LEN];
	cpnp_diag diag = {.err = 0};
	uint64_t bytes = 0, at = 0;
	cpnp_log_info info;
	cpnp_log *log;
	size_t n, i;

	settings = shared_log_settings(NULL, &n);
	if (backend->open(&log, settings, n, ledger_id, &diag) != 0)
		die(diag.where, diag.why);
	memset(prev, 0, sizeof(prev));
	*entries = 0;
	do {
		if (backend->read(log, at, prev, CPNP_SECONDS(5), records, 64,
			&n, &diag) != 0)
			die(diag.where, diag.why);
		for (i = 0; i < n; i++, at++) {
			if (cpnp_log_entry_hash(
				&ledger_env, &records[i].entry, prev) != 0)
				die("log", "no hash");
			if (at < position)
				continue;
			bytes += APPEND_BYTES +
			    (records[i].entry.batch.len + WORD - 1) / WORD *
				WORD;
			++*entries;
		}
		backend->info(log, &info);
	} while (n > 0 && at < info.next_final);
	backend->close(log);
	return bytes;
}

static void
report(double rate, uint64_t before)
{
	double first = orders[0].at, last = 0, took;
	uint64_t entries, bytes;

	for (size_t i = 0; i < order_n; i++)
		if (orders[i].posted > last)
			last = orders[i].posted;
	/* from the first to the last: the lag of one belongs to it */
	took = last - first - (orders[0].posted - first);
	bytes = calldata(before, &entries);
	(void)printf("# %zu orders at %.0f/s: %.0f/s posted; lag %.1f s, "
		     "99 %% %.1f s, at most %.1f s; of the last quarter "
		     "%.1f s\n",
	    order_n, rate, (double)order_n / (took > 0 ? took : 1),
	    (double)hist_percentile(&lags, 0.5) / 1000,
	    (double)hist_percentile(&lags, 0.99) / 1000,
	    (double)lags.max / 1000,
	    (double)hist_percentile(&late_lags, 0.5) / 1000);
	(void)printf("# %" PRIu64 " bytes of calldata an order, in %" PRIu64
		     " entries of %" PRIu64 " bytes\n",
	    (bytes + order_n - 1) / order_n, entries, bytes / entries);
	(void)printf("%s - at most 600 bytes of calldata an order\n",
	    bytes <= 600 * (uint64_t)order_n ? "ok" : "not ok");
	if (bytes > 600 * (uint64_t)order_n)
		exit(EXIT_FAILURE);
}

int
main(int argc, char **argv)
{
	double rate = 1000, length = 30;
	cpnp_bridge_status status;
	char store[4096];
	int option;

	while ((option = getopt(argc, argv, "+vr:t:w:")) != -1) {
		if (option == 'v')
			verbose = true;
		else if (option == 'r')
			rate = atof(optarg);
		else if (option == 't')
			length = atof(optarg);
		else if (option == 'w')
			shared_log_writer(optarg);
		else
			return EXIT_FAILURE;
	}
	order_n = (size_t)(rate * length);
	if (argc - optind < 2 || rate <= 0 || order_n < 4)
		die("bench-orders", "DIRECTORY BACKEND NAME=VALUE...");
	slot_n = 2 * order_n + 1;
	orders = calloc(order_n, sizeof(*orders));
	slots = calloc(slot_n, sizeof(*slots));
	if (orders == NULL || slots == NULL)
		die("orders", "out of memory");
	shared_log_use(argv + optind + 1, argc - optind - 1);
	make_genesis(argv[optind]);
	shared_log_create(cpnp_buf_bytes(&genesis));
	(void)snprintf(store, sizeof(store), "%s/store", argv[optind]);
	bridge = shared_log_bridge(store, "a", cpnp_buf_bytes(&genesis),
	    CPNP_MILLISECONDS(50), 10000);
	if (cpnp_bridge_start(bridge, NULL, NULL) != 0)
		die("bridge", "no thread");
	for (size_t i = 0; i < order_n; i++)
		authorize(i);
	mint();
	cpnp_bridge_get_status(bridge, &status);
	run(rate);
	cpnp_bridge_close(bridge);
	(void)printf("ok - every order is paid once and in full\n");
	report(rate, status.applied);
	for (size_t i = 0; i < order_n; i++)
		cpnp_buf_fini(&orders[i].authorization);
	for (int i = 0; i < SIGNERS; i++)
		cpnp_signer_del(signers[i]);
	cpnp_buf_fini(&genesis);
	free(orders);
	free(slots);
	return EXIT_SUCCESS;
}
