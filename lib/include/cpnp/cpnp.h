/*
 * libcpnp: the Connectivity Provisioning Negotiation Protocol, RFC 8921 and
 * draft-boucadair-connectivity-provisioning-protocol-02.
 *
 * One negotiation, seen from a client:
 *
 *	cpnp_cpd_from_xml()	what is needed, from a document in XML
 *	cpnp_orders_create()	an order: Created
 *	cpnp_order_start()	QUOTATION goes out: PQOSent
 *	cpnp_orders_recv()	PROCESSING came: ServerProcessing
 *	cpnp_orders_recv()	OFFER came: OfferReceived, and after our
 *				PROCESSING OfferProcessing; effect OFFER
 *	cpnp_order_accept()	effect SIGN
 *	cpnp_order_signed()	ACCEPT goes out: AcceptSent
 *	cpnp_orders_recv()	ACK came: Completed; effect END
 *
 * and from a server:
 *
 *	cpnp_orders_recv()	QUOTATION came: PQOReceived, our PROCESSING:
 *				AwaitingProcessing; effect DECIDE
 *	cpnp_order_offer()	effect SIGN
 *	cpnp_order_signed()	OFFER goes out: OfferProposed
 *	cpnp_orders_recv()	PROCESSING came: ProcessingReceived
 *	cpnp_orders_recv()	ACCEPT came: AcceptReceived; effect SIGN, to
 *				be done when the ACCEPT is durable
 *	cpnp_order_signed()	ACK goes out: Completed; effect END
 *
 * After each call the application drains cpnp_orders_next(); between calls it
 * waits for datagrams or for cpnp_orders_expiry().  lib/examples has a whole
 * program on poll(2).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNP_CPNP_H
#define CPNP_CPNP_H

#include <cpnp/agreement.h>
#include <cpnp/cbor.h>
#include <cpnp/cpd.h>
#include <cpnp/error.h>
#include <cpnp/message.h>
#include <cpnp/order.h>
#include <cpnp/parts.h>
#include <cpnp/types.h>
#include <cpnp/xml.h>

#endif
