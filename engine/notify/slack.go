package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/report"
)

// Slack posts to an incoming webhook (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks),
// or to what takes the same, as Mattermost and Rocket.Chat do.
type Slack struct {
	// URL is the webhook: a credential, since who knows it can post.
	URL  rest.SecretFunc
	HTTP HTTP
}

// slackLimit is how long a text may be, in bytes; Slack cuts one off at 40,000 characters
// (docs.slack.dev/changelog/2018-truncating-really-long-messages), Mattermost refuses more than 16,383.
const slackLimit = 12_000

// Send posts the message.
func (s Slack) Send(ctx context.Context, m Message) error {
	address, err := s.URL(ctx)
	if err != nil {
		return fmt.Errorf("getting the webhook: %w", err)
	}
	body := map[string]any{"text": slackText(m), "mrkdwn": true, "unfurl_links": false, "unfurl_media": false}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	return s.HTTP.post(ctx, address.Reveal(), true, data, nil)
}

// slackText is a title in bold and the rest in a block of code: there nothing is a mention, a
// link or a format, in Slack as in those that read Markdown.
func slackText(m Message) string {
	var b strings.Builder
	b.WriteString("*" + slackEscape(m.Title()) + "*\n```\n")
	lines := m.Lines()
	for i, l := range lines {
		if b.Len()+len(l) > slackLimit {
			fmt.Fprintf(&b, "and %s more; accord drift shows all\n", report.Count(len(lines)-i, "line", "lines"))
			break
		}
		b.WriteString(slackEscape(l) + "\n")
	}
	b.WriteString("```")
	return b.String()
}

// slackEscape replaces what Slack takes for control (docs.slack.dev/messaging/formatting-message-text:
// the ampersand and the angle brackets), what would end the block, and what would call somebody
// outside of one.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'", "*", "∗", "@", "@\u200b").Replace(s)
}
