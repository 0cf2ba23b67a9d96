/*
 * The segments of a ledger's catalogue (N6, N21-N23).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "graph.h"

struct fill {
	cpnp_path_graph *graph;
	const cpnp_ledger *ledger;
	cpnp_wtime at;
	size_t left_out;
	cpnp_diag *diag;
};

/* An entry without a delay promises none; taken for 0 it would be the fastest
 * of all. */
static int
take_offer(void *user, const cpnp_offer_view *offer)
{
	struct fill *fill = user;
	cpnp_token_view token;
	cpnp_path_segment s;
	int err;

	if (offer->kind != CPNP_OFFER_SEGMENT ||
	    offer->until.sec <= fill->at.sec)
		return 0;
	if (offer->delay == 0) {
		fill->left_out++;
		return 0;
	}
	cpnp_path_segment_default(&s);
	s.id = offer->id;
	s.domain = offer->publisher;
	if (!cpnp_bytes_equal(offer->payee, offer->publisher))
		s.seller = offer->payee;
	s.ingress = offer->ingress;
	s.egress = offer->egress;
	s.delay = offer->delay;
	s.capacity = offer->capacity;
	s.eligible = offer->eligible;
	s.for_sale = offer->for_sale;
	s.from = offer->from;
	s.to = offer->to;
	if (offer->for_sale) {
		err = cpnp_ledger_get_token(
		    fill->ledger, offer->issuer, offer->code, &token);
		if (err != 0)
			return err;
		s.price = (cpnp_money){.amount = offer->price,
		    .code = offer->code,
		    .issuer = offer->issuer,
		    .exponent = token.exponent};
		s.period = offer->duration;
	}
	err = cpnp_path_graph_add(fill->graph, &s, NULL, fill->diag);
	if (err != CPNP_ERR_INVALID)
		return err;
	fill->left_out++;
	return 0;
}

int
cpnp_path_graph_fill(cpnp_path_graph *graph, const cpnp_ledger *ledger,
    cpnp_wtime at, size_t *left_out, cpnp_diag *diag)
{
	struct fill fill = {graph, ledger, at, 0, diag};
	int err =
	    cpnp_ledger_each_offer(ledger, CPNP_BYTES_NONE, take_offer, &fill);

	if (left_out != NULL)
		*left_out = fill.left_out;
	return err;
}
