-- SPDX-License-Identifier: BSD-2-Clause
-- What the store keeps of an order, as tables of PostgreSQL: the current
-- state, documents, events, and the leaves of a journal (without its hashing).
CREATE TABLE orders (
	id bigint PRIMARY KEY,
	peer text NOT NULL,
	name text NOT NULL,
	state int NOT NULL,
	saved text NOT NULL,
	UNIQUE (name, peer));
CREATE TABLE documents (
	order_id bigint NOT NULL,
	kind int NOT NULL,
	body text NOT NULL,
	PRIMARY KEY (order_id, kind));
CREATE TABLE events (
	number bigserial PRIMARY KEY,
	order_id bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	from_state int NOT NULL,
	to_state int NOT NULL);
CREATE TABLE journal (
	leaf bigserial PRIMARY KEY,
	statement text NOT NULL);
