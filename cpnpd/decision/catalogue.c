/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalogue.h"

const char *const cpnp_separation_names[] = {
	"", "shared", "isolated", "dedicated", NULL};

bool
cpnp_name_is(const char *name, cpnp_bytes text)
{
	return strlen(name) == text.len &&
	    strncasecmp(name, (const char *)text.ptr, text.len) == 0;
}

const cpnp_place *
cpnp_catalogue_place(const cpnp_catalogue *c, cpnp_bytes name)
{
	size_t i;

	for (i = 0; i < c->places_n; i++)
		if (cpnp_name_is(c->places[i].name, name))
			return &c->places[i];
	return NULL;
}

const cpnp_article *
cpnp_catalogue_article(const cpnp_catalogue *c, cpnp_bytes name)
{
	size_t i;

	for (i = 0; i < c->articles_n; i++)
		if (cpnp_bytes_equal(
			cpnp_bytes_str(c->articles[i].name), name))
			return &c->articles[i];
	return NULL;
}

bool
cpnp_names_has(const cpnp_names *names, cpnp_bytes name)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (cpnp_name_is(names->name[i], name))
			return true;
	return false;
}

void
cpnp_place_resource(const cpnp_place *place, char *out, size_t size)
{
	snprintf(out, size, "place/%s", place->name);
}

static void
names_free(cpnp_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		free(names->name[i]);
}

void
cpnp_catalogue_del(cpnp_catalogue *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->places_n; i++) {
		free(c->places[i].name);
		free(c->places[i].provider_node);
	}
	for (i = 0; i < c->articles_n; i++) {
		free(c->articles[i].name);
		free(c->articles[i].description);
	}
	names_free(&c->telephone);
	names_free(&c->classes);
	names_free(&c->means);
	names_free(&c->protections);
	free(c->places);
	free(c->articles);
	free(c->name);
	free(c->email);
	free(c->postal_address);
	free(c->token_code);
	free(c->token_issuer);
	free(c);
}
