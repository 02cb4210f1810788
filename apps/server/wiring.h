/* SPDX-License-Identifier: Apache-2.0 */
/* wiring.h - builds the objects of a server from its store and connects them; no logic of its own.
 */
#pragma once

#include "apps/server/options.h"

#include <glib.h>

struct server;

/* Starts everything. NULL and error when it cannot work at all. Control thread. */
struct server *server_new(const struct options *options, GError **error);
/* Ends sessions, closes doors, writes what is to be written. */
void server_free(struct server *s);
