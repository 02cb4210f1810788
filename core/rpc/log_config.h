/* SPDX-License-Identifier: Apache-2.0 */
/* log_config.h - how logs are set, as the records of the API, in the store. */
#pragma once

#include "core/rpc/wire/fields.h"
#include "core/store/store.h"

#include <glib.h>

#include <stdbool.h>

/* What is stored, over the defaults; never NULL. The fields of rpc_hub_log_options,
 * rpc_server_log_options and rpc_syslog_options (core/rpc/wire/methods_log.c). */
struct record *log_config_hub(struct store *s, const char *hub);
struct record *log_config_server(struct store *s);
struct record *log_config_syslog(struct store *s);

/* All check it. */
bool log_config_save_hub(struct store *s, const char *hub, const struct record *r, GError **error);
bool log_config_save_server(struct store *s, const struct record *r, GError **error);
bool log_config_save_syslog(struct store *s, const struct record *r, GError **error);
