/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <ctype.h>

#include <cpnp/net.h>

#include "session.h"

/* Show what is to end, and ask on the terminal. */
static bool
ask(const cpnpc_record *record, const cpnp_order *order, FILE *tty)
{
	cpnpc_offer *offer = NULL;
	char line[16];

	fputs("Order ", stdout);
	cpnpc_put_text(stdout, record->row.customer_order_id);
	fputs(", agreed with ", stdout);
	cpnpc_put_text(stdout, record->row.peer_identity);
	putchar('\n');
	if (cpnpc_offer_new(&offer, order) == 0)
		cpnpc_print_offer(stdout, offer, order, cpnp_now_read());
	cpnpc_offer_del(offer);
	fflush(stdout);
	fputs("End this agreement and its service?  yes or no: ", tty);
	fflush(tty);
	return fgets(line, sizeof(line), tty) != NULL &&
	       tolower((unsigned char)line[0]) == 'y';
}

/* Only an agreement that stands and is not being withdrawn asks for it. */
static cpnpc_exit
confirm(cpnpc *run, const cpnpc_record *record)
{
	cpnpc_view view = {0};
	cpnpc_exit code = CPNPC_DONE;
	FILE *tty;
	int err;

	if (record->row.state != CPNP_STATE_COMPLETED)
		return CPNPC_DONE;
	tty = run->conf.json ? NULL : fopen("/dev/tty", "r+");
	if (tty == NULL)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "there is no terminal to ask on; expected --yes to end "
		    "the agreement");
	err = cpnpc_view_open(&view, &record->row);
	if (err != 0)
		code = cpnpc_fail(run, CPNPC_LOCAL,
		    "%s: the stored order is damaged: %s", run->operands[0],
		    cpnp_strerror(err));
	else if (!ask(record, view.order, tty)) {
		puts("nothing was sent, the agreement stands");
		code = CPNPC_PENDING;
	}
	cpnpc_view_close(&view);
	fclose(tty);
	return code;
}

/* cpnpc withdraw ORDER: end an agreement. */
cpnpc_exit
cpnpc_verb_withdraw(cpnpc *run)
{
	cpnpc_record record = {0};
	cpnp_store *store;
	cpnpc_exit code = CPNPC_DONE;

	if (!run->conf.yes) {
		code = cpnpc_store_open(run, true, false, NULL, NULL, &store);
		if (code != CPNPC_DONE)
			return code;
		code = cpnpc_records_find(
		    run, store, run->operands[0], &record);
		if (code == CPNPC_DONE)
			code = confirm(run, &record);
		cpnpc_record_fini(&record);
		cpnp_store_close(store);
	}
	return code != CPNPC_DONE
		   ? code
		   : cpnpc_session_command(run, CPNPC_GOAL_WITHDRAW);
}
