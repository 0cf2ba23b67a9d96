/*
 * Segments, and the names that they use.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "graph.h"

#define ROOM_FIRST 64

void *
path_array(const cpnp_mem *mem, size_t n, size_t size)
{
	if (n > SIZE_MAX / size)
		return NULL;
	return mem->alloc(mem->user, n == 0 ? size : n * size);
}

int
path_grow(
    const cpnp_mem *mem, void **items, size_t n, size_t *room, size_t size)
{
	size_t more = *room == 0 ? ROOM_FIRST : 2 * *room;
	void *grown;

	if (n < *room)
		return 0;
	if (more > SIZE_MAX / size)
		return CPNP_ERR_NOMEM;
	grown = mem->realloc(mem->user, *items, more * size);
	if (grown == NULL)
		return CPNP_ERR_NOMEM;
	*items = grown;
	*room = more;
	return 0;
}

/* ---- Names -------------------------------------------------------------- */

const struct path_name *
path_name_find(const struct path_names *names, cpnp_bytes bytes)
{
	if (bytes.len == 0)
		return NULL;
	return (const struct path_name *)map_find(
	    &names->map, bytes.ptr, bytes.len);
}

cpnp_bytes
path_name_bytes(const struct path_name *name)
{
	return (cpnp_bytes){name->node.key, name->node.key_len};
}

/* The number of a name, which becomes one if it is new. */
static int
name_take(const cpnp_mem *mem, struct path_names *names, cpnp_bytes bytes,
    uint32_t *number)
{
	const struct path_name *known = path_name_find(names, bytes);
	void *items = names->items;
	struct path_name *name;
	int err;

	if (known != NULL) {
		*number = known->number;
		return 0;
	}
	err = path_grow(
	    mem, &items, names->n, &names->room, sizeof(*names->items));
	names->items = items;
	if (err != 0)
		return err;
	name = mem->alloc(mem->user, sizeof(*name) + bytes.len);
	if (name == NULL)
		return CPNP_ERR_NOMEM;
	memset(name, 0, sizeof(*name));
	memcpy(name->bytes, bytes.ptr, bytes.len);
	name->node.key = name->bytes;
	name->node.key_len = bytes.len;
	name->number = (uint32_t)names->n;
	names->items[names->n++] = name;
	map_insert(&names->map, &name->node);
	*number = name->number;
	return 0;
}

static void
names_fini(const cpnp_mem *mem, struct path_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		mem->free(mem->user, names->items[i]);
	mem->free(mem->user, names->items);
}

/* ---- Tokens ------------------------------------------------------------- */

uint32_t
path_token_find(
    const cpnp_path_graph *graph, cpnp_bytes issuer, cpnp_bytes code)
{
	size_t i;

	for (i = 0; i < graph->token_n; i++) {
		const struct path_token *t = &graph->tokens[i];

		if (cpnp_bytes_equal(code,
			(cpnp_bytes){(const uint8_t *)t->code, t->code_len}) &&
		    cpnp_bytes_equal(
			issuer, (cpnp_bytes){
				    (const uint8_t *)t->issuer, t->issuer_len}))
			return (uint32_t)i;
	}
	return TOKEN_NONE;
}

static int
token_take(cpnp_path_graph *graph, const cpnp_money *money, uint32_t *number)
{
	void *tokens = graph->tokens;
	struct path_token *token;
	int err;

	*number = TOKEN_NONE;
	if (money->code.len == 0)
		return 0;
	*number = path_token_find(graph, money->issuer, money->code);
	if (*number != TOKEN_NONE)
		return 0;
	err = path_grow(&graph->mem, &tokens, graph->token_n,
	    &graph->token_room, sizeof(*graph->tokens));
	graph->tokens = tokens;
	if (err != 0)
		return err;
	token = &graph->tokens[graph->token_n];
	memset(token, 0, sizeof(*token));
	memcpy(token->code, money->code.ptr, money->code.len);
	token->code_len = money->code.len;
	if (money->issuer.len > 0)
		memcpy(token->issuer, money->issuer.ptr, money->issuer.len);
	token->issuer_len = money->issuer.len;
	token->exponent = money->exponent;
	*number = (uint32_t)graph->token_n++;
	return 0;
}

int
cpnp_path_graph_token(const cpnp_path_graph *graph, size_t n, cpnp_money *token)
{
	const struct path_token *t;

	memset(token, 0, sizeof(*token));
	if (n >= graph->token_n)
		return CPNP_ERR_NOT_FOUND;
	t = &graph->tokens[n];
	token->issuer = (cpnp_bytes){(const uint8_t *)t->issuer, t->issuer_len};
	token->code = (cpnp_bytes){(const uint8_t *)t->code, t->code_len};
	token->exponent = t->exponent;
	return 0;
}

/* ---- Segments ----------------------------------------------------------- */

void
cpnp_path_segment_default(cpnp_path_segment *segment)
{
	memset(segment, 0, sizeof(*segment));
	segment->availability = CPNP_PPM;
	segment->for_sale = true;
	segment->eligible = true;
	segment->from = (cpnp_wtime){CPNP_WTIME_MIN};
	segment->to = (cpnp_wtime){CPNP_WTIME_MAX};
}

int
path_complain(cpnp_diag *diag, const char *where, const char *why)
{
	if (diag != NULL) {
		memset(diag, 0, sizeof(*diag));
		diag->err = CPNP_ERR_INVALID;
		(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
		(void)snprintf(diag->why, sizeof(diag->why), "%s", why);
	}
	return CPNP_ERR_INVALID;
}

bool
path_is_name(cpnp_bytes name)
{
	return name.len >= 1 && name.len <= CPNP_PATH_NAME_MAX;
}

static int
check_price(
    const cpnp_path_graph *graph, const cpnp_path_segment *s, cpnp_diag *diag)
{
	const cpnp_money *p = &s->price;
	uint32_t token = path_token_find(graph, p->issuer, p->code);

	if (s->period > CPNP_SERVICE_SECONDS_MAX)
		return path_complain(diag, "period", "at most ten years");
	if (p->amount < 0)
		return path_complain(diag, "price", "from 0");
	if (p->code.len == 0)
		return p->amount == 0
			   ? 0
			   : path_complain(diag, "price", "0, or in a token");
	if (p->code.len > CPNP_TOKEN_CODE_MAX ||
	    p->issuer.len > CPNP_TOKEN_ISSUER_MAX ||
	    p->exponent > CPNP_TOKEN_EXPONENT_MAX)
		return path_complain(diag, "price", "in a token");
	if (token != TOKEN_NONE && graph->tokens[token].exponent != p->exponent)
		return path_complain(
		    diag, "price", "the exponent that its token has elsewhere");
	return 0;
}

static int
check_segment(
    const cpnp_path_graph *graph, const cpnp_path_segment *s, cpnp_diag *diag)
{
	static const char name[] = "1 to 64 bytes";

	if (!path_is_name(s->id))
		return path_complain(diag, "id", name);
	if (!path_is_name(s->domain))
		return path_complain(diag, "domain", name);
	if (s->seller.len > CPNP_PATH_NAME_MAX)
		return path_complain(diag, "seller", "up to 64 bytes");
	if (!path_is_name(s->ingress))
		return path_complain(diag, "ingress", name);
	if (!path_is_name(s->egress))
		return path_complain(diag, "egress", name);
	if (cpnp_bytes_equal(s->ingress, s->egress))
		return path_complain(
		    diag, "egress", "another place than ingress");
	if (s->delay > CPNP_PATH_DELAY_MAX)
		return path_complain(
		    diag, "delay", "at most 1,000,000 seconds");
	if (s->availability > CPNP_PPM)
		return path_complain(
		    diag, "availability", "at most 1,000,000 ppm");
	if (s->from.sec >= s->to.sec || s->from.sec < CPNP_WTIME_MIN ||
	    s->to.sec > CPNP_WTIME_MAX)
		return path_complain(diag, "to", "after from, and a date");
	return check_price(graph, s, diag);
}

/* Number the names of a segment, and fill it; EXISTS. */
static int
segment_fill(cpnp_path_graph *graph, const cpnp_path_segment *from,
    struct path_segment *s)
{
	const cpnp_mem *mem = &graph->mem;
	int err;

	err = name_take(mem, &graph->places, from->ingress, &s->ingress);
	if (err == 0)
		err = name_take(mem, &graph->places, from->egress, &s->egress);
	if (err == 0)
		err = name_take(mem, &graph->domains, from->domain, &s->domain);
	s->seller = s->domain;
	if (err == 0 && from->seller.len > 0)
		err = name_take(mem, &graph->domains, from->seller, &s->seller);
	if (err != 0)
		return err;
	s->key[0] = (uint8_t)(s->domain >> 24);
	s->key[1] = (uint8_t)(s->domain >> 16);
	s->key[2] = (uint8_t)(s->domain >> 8);
	s->key[3] = (uint8_t)s->domain;
	memcpy(s->key + 4, from->id.ptr, from->id.len);
	s->node.key = s->key;
	s->node.key_len = 4 + from->id.len;
	if (map_find(&graph->map, s->node.key, s->node.key_len) != NULL)
		return CPNP_ERR_EXISTS;
	err = token_take(graph, &from->price, &s->token);
	if (err != 0)
		return err;
	s->availability = from->availability;
	s->for_sale = from->for_sale;
	s->eligible = from->eligible;
	s->delay = from->delay;
	s->capacity = from->capacity;
	s->period = from->period;
	s->price = from->price.amount;
	s->from = from->from;
	s->to = from->to;
	return 0;
}

/* A name that a refused segment brought stays: it is a place without
 * segments, which is the same as none. */
int
cpnp_path_graph_add(cpnp_path_graph *graph, const cpnp_path_segment *segment,
    uint32_t *index, cpnp_diag *diag)
{
	void *items = graph->segments;
	struct path_segment *s = NULL;
	int err;

	err = check_segment(graph, segment, diag);
	if (err != 0)
		return err;
	err = CPNP_ERR_FULL;
	if (graph->segment_n >= CPNP_PATH_SEGMENTS_MAX)
		goto out;
	err = path_grow(&graph->mem, &items, graph->segment_n,
	    &graph->segment_room, sizeof(*graph->segments));
	graph->segments = items;
	if (err != 0)
		goto out;
	s = path_array(&graph->mem, 1, sizeof(*s));
	err = CPNP_ERR_NOMEM;
	if (s == NULL)
		goto out;
	memset(s, 0, sizeof(*s));
	err = segment_fill(graph, segment, s);
	if (err != 0)
		goto out;
	map_insert(&graph->map, &s->node);
	graph->places.items[s->ingress]->out_n++;
	graph->places.items[s->egress]->in_n++;
	if (index != NULL)
		*index = (uint32_t)graph->segment_n;
	graph->segments[graph->segment_n++] = s;
	return 0;
out:
	graph->mem.free(graph->mem.user, s);
	(void)path_complain(diag, "id",
	    err == CPNP_ERR_EXISTS ? "another one than the domain has already"
				   : cpnp_strerror(err));
	if (diag != NULL)
		diag->err = err;
	return err;
}

size_t
cpnp_path_graph_count(const cpnp_path_graph *graph)
{
	return graph->segment_n;
}

int
cpnp_path_graph_get(
    const cpnp_path_graph *graph, uint32_t index, cpnp_path_segment *segment)
{
	const struct path_segment *s;

	memset(segment, 0, sizeof(*segment));
	if (index >= graph->segment_n)
		return CPNP_ERR_INVALID;
	s = graph->segments[index];
	segment->id = (cpnp_bytes){s->key + 4, s->node.key_len - 4};
	segment->domain = path_name_bytes(graph->domains.items[s->domain]);
	if (s->seller != s->domain)
		segment->seller =
		    path_name_bytes(graph->domains.items[s->seller]);
	segment->ingress = path_name_bytes(graph->places.items[s->ingress]);
	segment->egress = path_name_bytes(graph->places.items[s->egress]);
	segment->delay = s->delay;
	segment->capacity = s->capacity;
	segment->availability = s->availability;
	segment->for_sale = s->for_sale;
	segment->eligible = s->eligible;
	if (s->token != TOKEN_NONE)
		(void)cpnp_path_graph_token(graph, s->token, &segment->price);
	segment->price.amount = s->price;
	segment->period = s->period;
	segment->from = s->from;
	segment->to = s->to;
	return 0;
}

/* ---- Graphs ------------------------------------------------------------- */

int
cpnp_path_graph_new(cpnp_path_graph **graph, const cpnp_mem *mem)
{
	*graph = mem->alloc(mem->user, sizeof(**graph));
	if (*graph == NULL)
		return CPNP_ERR_NOMEM;
	memset(*graph, 0, sizeof(**graph));
	(*graph)->mem = *mem;
	return 0;
}

void
cpnp_path_graph_del(cpnp_path_graph *graph)
{
	cpnp_mem mem;
	size_t i;

	if (graph == NULL)
		return;
	mem = graph->mem;
	for (i = 0; i < graph->segment_n; i++)
		mem.free(mem.user, graph->segments[i]);
	mem.free(mem.user, graph->segments);
	mem.free(mem.user, graph->tokens);
	names_fini(&mem, &graph->places);
	names_fini(&mem, &graph->domains);
	mem.free(mem.user, graph);
}

/* ---- Cost --------------------------------------------------------------- */

/* Both factors of the second product are below 2^29, so it has room. */
int
cpnp_path_segment_cost(const cpnp_path_segment *segment, cpnp_wtime start,
    cpnp_wtime end, int64_t *cost)
{
	int64_t price = segment->price.amount, seconds, period, rest;

	*cost = 0;
	if (price < 0 || segment->period > CPNP_SERVICE_SECONDS_MAX ||
	    start.sec < CPNP_WTIME_MIN || end.sec > CPNP_WTIME_MAX ||
	    start.sec >= end.sec ||
	    end.sec - start.sec > CPNP_SERVICE_SECONDS_MAX)
		return CPNP_ERR_INVALID;
	if (segment->period == 0) {
		*cost = price;
		return 0;
	}
	seconds = end.sec - start.sec;
	period = (int64_t)segment->period;
	rest = price % period * seconds;
	rest = rest / period + (rest % period > 0);
	if (price / period > (INT64_MAX - rest) / seconds)
		return CPNP_ERR_RANGE;
	*cost = price / period * seconds + rest;
	return 0;
}
