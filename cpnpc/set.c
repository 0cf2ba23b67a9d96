/*
 * Sets: orders for one service with several servers, of which one is accepted
 * (RFC 8921, 8.10).  Here they are found in the store, added to a session and
 * begun.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

/* ---- in the store ------------------------------------------------------ */

static bool
get_member(const cpnp_store_row *row, cpnpc_member *member)
{
	cpnpc_intent intent;

	if (cpnpc_intent_parse(row->note, &intent) != 0 ||
	    intent.set.id[0] == '\0')
		return false;
	*member = intent.set;
	return true;
}

/* The set that an order is of, if it is of one, by its name: ID.NUMBER. */
static bool
get_set_by_name(cpnp_bytes name, char id[CPNP_ORDER_ID_MAX + 1])
{
	char *dot;

	snprintf(id, CPNP_ORDER_ID_MAX + 1, "%.*s", (int)name.len,
	    (const char *)name.ptr);
	dot = strrchr(id, '.');
	if (dot == NULL || dot == id)
		return false;
	*dot = '\0';
	return true;
}

static bool
is_over(const cpnp_store_row *row)
{
	return row->settled && row->agreement_state == CPNP_AGREEMENT_NONE;
}

/* What a search for the identifier of a member has found. */
struct search {
	cpnpc_records *records;
	const char *id;
	unsigned number;
	unsigned of;
	char name[CPNP_ORDER_ID_MAX + 1];
};

/* An order with the name of a member and a note that says nothing. */
static void
mark_unreadable(const struct search *search, const cpnp_store_row *row)
{
	unsigned bit = 1U << (search->number - 1);

	if (!cpnp_bytes_equal(
		row->customer_order_id, cpnp_bytes_str(search->name)))
		return;
	search->records->unreadable |= bit;
	if (!is_over(row))
		search->records->doubtful |= bit;
}

/* One alone, or one beyond the servers that were asked, is no member: it only
 * has such a name. */
static void
check_unreadable(const struct search *search)
{
	cpnpc_records *records = search->records;
	unsigned mask = records->unreadable;

	if (records->n > 0)
		mask &= (1U << search->of) - 1;
	else if ((mask & (mask - 1)) == 0)
		mask = 0;
	records->unreadable &= mask;
	records->doubtful &= mask;
}

static int
on_row(void *user, const cpnp_store_row *row)
{
	struct search *search = user;
	cpnpc_records *records = search->records;
	cpnpc_intent intent;
	int err;

	if (row->role != CPNP_CLIENT)
		return 0;
	if (cpnpc_intent_parse(row->note, &intent) != 0) {
		mark_unreadable(search, row);
		return 0;
	}
	if (intent.set.number != search->number ||
	    strcmp(intent.set.id, search->id) != 0 ||
	    records->n == CPNPC_SET_MAX)
		return 0;
	search->of = intent.set.of;
	err = cpnpc_record_copy(&records->items[records->n], row);
	if (err == 0)
		records->n++;
	return err;
}

int
cpnpc_set_read(cpnpc_records *records, cpnp_store *store, const char *id)
{
	struct search search = {.records = records, .id = id};
	int err = 0;

	*records = (cpnpc_records){0};
	if (store == NULL || strlen(id) > CPNPC_SET_ID_MAX)
		return 0;
	records->items = calloc(CPNPC_SET_MAX, sizeof(cpnpc_record));
	if (records->items == NULL)
		return CPNP_ERR_NOMEM;
	while (err == 0 && search.number < CPNPC_SET_MAX) {
		search.number++;
		snprintf(search.name, sizeof(search.name), "%.*s.%u",
		    CPNPC_SET_ID_MAX, id, search.number);
		err = cpnp_store_search(
		    store, cpnp_bytes_str(search.name), on_row, &search);
	}
	check_unreadable(&search);
	if (err != 0)
		cpnpc_records_fini(records);
	return err;
}

cpnpc_exit
cpnpc_set_check(cpnpc *run, const cpnpc_records *records, const char *id)
{
	unsigned number = 1;

	if (records->doubtful == 0)
		return CPNPC_DONE;
	while ((records->doubtful & 1U << (number - 1)) == 0)
		number++;
	return cpnpc_fail(run, CPNPC_LOCAL,
	    "%s.%u: it is of the set %s and not over, and what %s keeps with "
	    "it cannot be read, so nothing is done with the set; end it by its "
	    "name first, with \"cpnpc cancel\", \"decline\" or \"withdraw\" "
	    "and its --server",
	    id, number, id, run->store);
}

/* ---- in a session ------------------------------------------------------ */

static cpnpc_set *
find_set(const cpnpc_session *session, const char *id)
{
	size_t i;

	for (i = 0; i < session->sets_n; i++)
		if (strcmp(session->sets[i]->what.id, id) == 0)
			return session->sets[i];
	return NULL;
}

static cpnpc_set *
add_set(cpnpc_session *session, const cpnpc_member *what)
{
	cpnpc_set *set = calloc(1, sizeof(*set)), **sets;

	sets = realloc(
	    session->sets, (session->sets_n + 1) * sizeof(cpnpc_set *));
	if (sets != NULL)
		session->sets = sets;
	if (set == NULL || sets == NULL) {
		free(set);
		(void)cpnpc_fail(session->run, CPNPC_LOCAL, "out of memory");
		return NULL;
	}
	set->what = *what;
	set->what.number = 0;
	sets[session->sets_n++] = set;
	return set;
}

static cpnpc_exit
add_members(cpnpc_session *session, cpnpc_records *records)
{
	cpnpc_exit code = CPNPC_DONE;
	cpnpc_member member = {0};
	cpnpc_set *set;
	size_t i;

	(void)get_member(&records->items[0].row, &member);
	set = add_set(session, &member);
	if (set == NULL)
		return CPNPC_LOCAL;
	set->begun = true;
	for (i = 0; i < records->n && code == CPNPC_DONE; i++) {
		code = cpnpc_session_add(
		    session, CPNPC_GOAL_ORDER, &records->items[i]);
		if (code == CPNPC_DONE)
			session->jobs[session->jobs_n - 1].set = set;
	}
	return code;
}

bool
cpnpc_set_add(cpnpc_session *session, const char *id, cpnpc_exit *code)
{
	cpnpc_records records;
	bool found;
	int err;

	*code = CPNPC_DONE;
	if (find_set(session, id) != NULL)
		return true;
	err = cpnpc_set_read(&records, session->store, id);
	found = err != 0 || records.n > 0 || records.doubtful != 0;
	if (err != 0)
		*code = cpnpc_fail(session->run, CPNPC_LOCAL, "%s: %s",
		    session->run->store, cpnp_strerror(err));
	else if (found)
		*code = cpnpc_set_check(session->run, &records, id);
	if (found && *code == CPNPC_DONE)
		*code = add_members(session, &records);
	cpnpc_records_fini(&records);
	return found;
}

bool
cpnpc_set_add_of(
    cpnpc_session *session, const cpnpc_record *record, cpnpc_exit *code)
{
	const cpnp_store_row *row = &record->row;
	char id[CPNP_ORDER_ID_MAX + 1];
	cpnpc_intent intent;

	/* What is open on an agreement is no matter of the set any more. */
	if (cpnpc_stands(row->agreement_state) && !row->settled)
		return false;
	if (cpnpc_intent_parse(row->note, &intent) == 0)
		return intent.set.id[0] != '\0' &&
		       cpnpc_set_add(session, intent.set.id, code);
	return get_set_by_name(row->customer_order_id, id) &&
	       cpnpc_set_add(session, id, code);
}

/* Remember which of the orders that were added is to be accepted. */
static cpnpc_exit
wish_for(cpnpc_session *session, cpnp_bytes id)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		if (!cpnp_bytes_equal(cpnp_bytes_str(session->jobs[i].id), id))
			continue;
		session->jobs[i].set->wish = i + 1;
		return CPNPC_DONE;
	}
	return cpnpc_fail(session->run, CPNPC_LOCAL,
	    "%.*s: it is over; there is no offer to accept", (int)id.len,
	    (const char *)id.ptr);
}

/* An order that is to be accepted, with the others of its set if it is of
 * one. */
static cpnpc_exit
add_wish(cpnpc_session *session, cpnpc_record *record)
{
	cpnpc_exit code;

	if (!cpnpc_set_add_of(session, record, &code))
		return cpnpc_session_add(session, CPNPC_GOAL_ACCEPT, record);
	return code == CPNPC_DONE
		   ? wish_for(session, record->row.customer_order_id)
		   : code;
}

cpnpc_exit
cpnpc_set_accept(cpnpc_session *session, const char *id)
{
	cpnpc_record record = {0};
	cpnpc_records records = {0};
	cpnpc_exit code;
	int err = cpnpc_set_read(&records, session->store, id);
	size_t n = records.n;

	cpnpc_records_fini(&records);
	if (err == 0 && n > 0)
		return cpnpc_fail(session->run, CPNPC_USAGE,
		    "%s: it is a set of orders; expected the one that is to "
		    "be accepted, as %s.1",
		    id, id);
	code = cpnpc_records_find(session->run, session->store, id, &record);
	if (code == CPNPC_DONE)
		code = add_wish(session, &record);
	cpnpc_record_fini(&record);
	return code;
}

void
cpnpc_sets_load(cpnpc_session *session, cpnp_now now)
{
	size_t i;

	for (i = 0; i < session->sets_n; i++)
		cpnpc_set_check_wish(session, session->sets[i]);
	for (i = 0; i < session->jobs_n && !session->broken; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set != NULL && !job->is_new && !job->done)
			(void)cpnpc_job_load(session, job, now);
	}
	cpnpc_effects_run(session, now);
}

/* ---- a new one --------------------------------------------------------- */

static cpnpc_exit
check_line(cpnpc *run)
{
	const cpnpc_conf *conf = &run->conf;

	if (conf->servers_n < 2)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "--choose %s: there is nothing to choose from; expected "
		    "--server twice or more",
		    cpnpc_rule_name(conf->rule));
	if (conf->accept_given)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "--choose %s says which offer is accepted; expected no "
		    "--accept beside it",
		    cpnpc_rule_name(conf->rule));
	if (conf->order_id != NULL &&
	    strlen(conf->order_id) > CPNPC_SET_ID_MAX)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "--order-id: expected at most %d characters with --choose",
		    CPNPC_SET_ID_MAX);
	return CPNPC_DONE;
}

static cpnpc_exit
add_new(cpnpc_session *session, const uint8_t *service, size_t len)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnpc_member what = {
	    .rule = conf->rule, .of = (unsigned)conf->servers_n};
	cpnpc_set *set = add_set(session, &what);
	cpnpc_exit code = set != NULL ? CPNPC_DONE : CPNPC_LOCAL;
	uint8_t *copy;
	size_t i;

	for (i = 0; i < conf->servers_n && code == CPNPC_DONE; i++) {
		copy = malloc(len);
		if (copy == NULL)
			return cpnpc_fail(
			    session->run, CPNPC_LOCAL, "out of memory");
		memcpy(copy, service, len);
		code = cpnpc_session_add_new(session, CPNPC_GOAL_ORDER,
		    cpnpc_session_link(session, conf->servers[i]), copy, len);
		if (code == CPNPC_DONE)
			session->jobs[session->jobs_n - 1].set = set;
		else
			free(copy);
	}
	return code;
}

/* The identifiers of the orders of a new set are free. */
static cpnpc_exit
check_names(cpnpc_session *session)
{
	const char *id = session->run->conf.order_id;
	size_t i, used = 0, n = session->run->conf.servers_n;
	char name[CPNP_ORDER_ID_MAX + 1];
	cpnpc_records records;
	int err = 0;

	for (i = 1; id != NULL && i <= n && err == 0 && used == 0; i++) {
		snprintf(name, sizeof(name), "%s.%zu", id, i);
		err = cpnpc_records_read(&records, session->store, name, false);
		used = err == 0 ? records.n : 0;
		if (err == 0)
			cpnpc_records_fini(&records);
	}
	if (err != 0)
		return cpnpc_fail(session->run, CPNPC_LOCAL, "%s: %s",
		    session->run->store, cpnp_strerror(err));
	if (used > 0)
		return cpnpc_fail(session->run, CPNPC_LOCAL,
		    "%s: there is such an order already, which is of no set; "
		    "expected a new --order-id",
		    name);
	return CPNPC_DONE;
}

/* An identifier that the store has: the same set again, when it is for the
 * same service. */
static bool
add_known(cpnpc_session *session, const uint8_t *service, size_t len,
    cpnpc_exit *code)
{
	const char *id = session->run->conf.order_id;
	size_t i;

	if (id == NULL || !cpnpc_set_add(session, id, code))
		return false;
	for (i = 0; i < session->jobs_n && *code == CPNPC_DONE; i++)
		if (!cpnpc_record_is_for(
			&session->jobs[i].record, service, len))
			*code = cpnpc_fail(session->run, CPNPC_LOCAL,
			    "%s: there is such a set already, for another "
			    "service; expected a new --order-id",
			    id);
	return true;
}

cpnpc_exit
cpnpc_set_place(cpnpc *run)
{
	cpnpc_session session;
	cpnpc_exit code = check_line(run);
	uint8_t *service;
	size_t len;

	if (code != CPNPC_DONE)
		return code;
	service = cpnpc_read_document(run, run->operands[0], &len, &code);
	if (service == NULL)
		return code;
	code = cpnpc_session_open(&session, run);
	if (code != CPNPC_DONE)
		goto out;
	if (!add_known(&session, service, len, &code)) {
		code = check_names(&session);
		if (code == CPNPC_DONE)
			code = add_new(&session, service, len);
	}
	if (code == CPNPC_DONE)
		code = cpnpc_session_run(&session);
	cpnpc_session_close(&session);
out:
	free(service);
	return code;
}
