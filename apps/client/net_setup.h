/* SPDX-License-Identifier: Apache-2.0 */
/* net_setup.h - carries out a net_plan on one adapter, and undoes it: also after a crash.
 *
 * The tunnel's routes live in a routing table of their own, which every packet looks into before
 * the main one, except for the tunnel's own (they carry the mark): so nothing that the far end
 * offers can lead the tunnel into itself. The server's answers carry no mark: where the system
 * checks strictly by which way it would answer (rp_filter 1), all traffic in the tunnel would cut
 * them off, so that there, and only there, everything to the server's address goes around the
 * tunnel. Addresses and routes vanish with the adapter; the rules that point to the table do not,
 * so they are noted in a file of the runtime folder before they are made, and net_setup_clean()
 * removes what a daemon that died has left. Blocking, short; control thread.
 */
#pragma once

#include "apps/client/net_plan.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

struct net_setup;

/* Once at start: removes the rules that are noted in the folder. */
void net_setup_clean(const char *folder);

struct net_setup *
net_setup_new(const char *folder, const char *ifname, uint32_t mark, uint32_t table);
/* Undoes what was applied. */
void net_setup_free(struct net_setup *s);

/* From what is there to what the plan says. peer: the address that the tunnel itself talks to. What
 * fails is left out, the rest applied; the error tells the first failure. */
bool net_setup_apply(struct net_setup *s, const struct net_plan *plan, const struct ip *peer,
                     GError **error);
