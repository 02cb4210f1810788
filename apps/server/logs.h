/* SPDX-License-Identifier: Apache-2.0 */
/* logs.h - the server's logs: what is written where, as the store says; taps of hubs for packet
 * logs and captures. */
#pragma once

#include "core/hub/hubs.h"
#include "core/rpc/server.h"
#include "core/store/store.h"

#include <glib.h>

#include <stdbool.h>

struct logs;

/* Before there are workers: from now on what is logged goes to the server's file, too. Files are in
 * folder. */
struct logs *logs_new(struct store *store, const char *folder, unsigned workers, GError **error);
/* When nobody can log any more but the control thread; the hubs are gone. */
void logs_free(struct logs *l);
const char *logs_folder(const struct logs *l);

/* Control. The hubs of the store are there: their logs begin. hubs is borrowed until
 * logs_leave_hubs(). */
void logs_use_hubs(struct logs *l, struct hubs *hubs);
/* Takes the taps off; before the hubs go. */
void logs_leave_hubs(struct logs *l);

/* For struct rpc_host_ops. hub NULL: the server's settings. */
void logs_apply(struct logs *l, const char *hub);
void logs_put_status(struct logs *l, struct record *out);
bool logs_capture(struct logs *l, struct rpc_capture *want, GError **error);
