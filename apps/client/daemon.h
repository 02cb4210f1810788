/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - the client's service: accounts, tunnels, and the methods of its control socket.
 * Control thread. */
#pragma once

#include <glib.h>

#include <stdbool.h>

struct daemon;

/* Opens the state folder, removes what a daemon that died has left in the system, starts the worker
 * and the control socket. */
struct daemon *daemon_new(const char *state_folder, const char *socket_path, GError **error);
/* Connects the accounts that are to be connected at start. */
void daemon_start_accounts(struct daemon *d);
/* Takes all tunnels down and frees everything. */
void daemon_free(struct daemon *d);
