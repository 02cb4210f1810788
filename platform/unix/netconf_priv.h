/* SPDX-License-Identifier: Apache-2.0 */
/* netconf_priv.h - what links, addresses, routes and rules share; for this folder only. */
#pragma once

#include "platform/unix/netlink_priv.h"

#include <glib.h>

#include <stdbool.h>

/* pf_fail() with the kernel's words (may be "") after the sentence. Always false. */
bool
netconf_fail(GError **error, int err, const char *why, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* The number of an interface; 0 with error when there is none of that name. */
unsigned netconf_index(const char *ifname, GError **error);
int netconf_family(int family); /* 4 or 6: AF_INET or AF_INET6 */
/* The error says that this system has no IPv6, which is no failure. */
bool netconf_no_family(int family, int err);
