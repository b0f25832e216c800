// Package notify tells people what is new: drift and its end, systems that can't be read, what
// flaps, and applies that ended in part. What is news, and to whom, the caller decides (see
// engine/tell.go); here a message becomes a post to Slack, a signed webhook, or a mail.
//
//	message.go   what is told, in words and as JSON
//	slack.go     an incoming webhook of Slack, or of what speaks like it
//	webhook.go   JSON, signed as Standard Webhooks has it (standardwebhooks.com)
//	mail.go      SMTP, with a verified server
//
// A message that can't be delivered is an error, and nothing is remembered of it: the next run
// tells the same and what came since. So each is told at least once. No credential is ever part
// of a message or an error; names from outside can't act on a terminal, in Slack, or in a mail's
// header.
package notify
