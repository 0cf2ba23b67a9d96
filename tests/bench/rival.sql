-- SPDX-License-Identifier: BSD-2-Clause
-- An order as six transactions, for pgbench: one for each change of state.
-- Each is one statement, so one round trip, which is what PostgreSQL does
-- best; all together store as many bytes as our store does (:bytes is a sixth
-- of them), without deciding, hashing or signing anything.
\set id random(1, 9000000000000000000)
WITH o AS (INSERT INTO orders VALUES (:id, 'customer.example',
	    'order-' || :id, 1, repeat('s', :bytes / 4))),
	d AS (INSERT INTO documents VALUES (:id, 0, repeat('d', :bytes))),
	e AS (INSERT INTO events (order_id, from_state, to_state)
	    VALUES (:id, 0, 1))
	INSERT INTO journal (statement) VALUES (repeat('j', :bytes / 2));
WITH o AS (UPDATE orders SET state = 2 WHERE id = :id),
	e AS (INSERT INTO events (order_id, from_state, to_state)
	    VALUES (:id, 1, 2))
	INSERT INTO journal (statement) VALUES (repeat('j', :bytes / 2));
WITH o AS (UPDATE orders SET state = 3 WHERE id = :id),
	d AS (INSERT INTO documents VALUES (:id, 1, repeat('d', :bytes))),
	e AS (INSERT INTO events (order_id, from_state, to_state)
	    VALUES (:id, 2, 3))
	INSERT INTO journal (statement) VALUES (repeat('j', :bytes / 2));
WITH o AS (UPDATE orders SET state = 4 WHERE id = :id),
	e AS (INSERT INTO events (order_id, from_state, to_state)
	    VALUES (:id, 3, 4))
	INSERT INTO journal (statement) VALUES (repeat('j', :bytes / 2));
WITH o AS (UPDATE orders SET state = 5 WHERE id = :id),
	e AS (INSERT INTO events (order_id, from_state, to_state)
	    VALUES (:id, 4, 5))
	INSERT INTO journal (statement) VALUES (repeat('j', :bytes / 2));
WITH o AS (UPDATE orders SET state = 6 WHERE id = :id),
	d AS (INSERT INTO documents VALUES (:id, 2, repeat('d', :bytes))),
	e AS (INSERT INTO events (order_id, from_state, to_state)
	    VALUES (:id, 5, 6))
	INSERT INTO journal (statement) VALUES (repeat('j', :bytes / 2));
