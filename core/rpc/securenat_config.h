/* SPDX-License-Identifier: Apache-2.0 */
/* securenat_config.h - the options of a virtual host: as a record of the API, as the store's text,
 * and as core/hub has them. */
#pragma once

#include "core/hub/nat/vhost.h"
#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

/* NULL and an error that names the option that is wrong. RpcHubName_str is not looked at. */
struct vhost_config *securenat_config_from_record(const struct record *r, GError **error);
void securenat_config_to_record(const struct vhost_config *config, struct record *out);
void securenat_config_free(struct vhost_config *config);

/* What is in the store for the hub; the first time defaults are made, with a hardware address and
 * an IPv6 network drawn at random, and stored. NULL and error: no such hub, or the disk. */
struct vhost_config *
securenat_config_load(struct store *s, const char *hub, bool *enabled, GError **error);
bool securenat_config_save(struct store *s, const char *hub, bool enabled,
                           const struct vhost_config *config, GError **error);
