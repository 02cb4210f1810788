/* SPDX-License-Identifier: Apache-2.0 */
/* securenat.h - the living virtual hosts of the hubs, as the store has them. Control thread. */
#pragma once

#include "core/hub/hubs.h"
#include "core/hub/nat/vhost.h"
#include "core/store/store.h"

struct securenat;

/* Both borrowed. */
struct securenat *securenat_new(struct store *store, struct hubs *hubs);
/* Starts those that are enabled; what cannot be started is logged. */
void securenat_start(struct securenat *s);
void securenat_free(struct securenat *s);
/* The options of that hub's in the store are others, or the hub is gone. */
bool securenat_apply(struct securenat *s, const char *hub, GError **error);
/* Borrowed; NULL when it does not run. */
struct vhost *securenat_find(struct securenat *s, const char *hub);
