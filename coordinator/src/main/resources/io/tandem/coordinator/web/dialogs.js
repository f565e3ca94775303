// Questions to the user, as native dialogs: they keep the focus, and Escape says no.

import {html, nothing, render} from '/web/lib/lit-html/lit-html.js';

/** Shows a form; resolves to its values when it is sent, to null when it is put away. */
function ask({title, text, fields = [], action, danger = false}) {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-labelledby', 'dialog-title');
  const send = (e) => {
    e.preventDefault();
    dialog.returnValue = 'send';
    dialog.close('send');
  };
  render(html`
    <form @submit=${send}>
      <h2 id="dialog-title">${title}</h2>
      ${text ? html`<p>${text}</p>` : nothing}
      ${fields.map((field) => html`
        <label>${field.label}
          <input name=${field.name} type=${field.type} .value=${field.value ?? ''} required
            min=${field.min ?? nothing} max=${field.max ?? nothing} autocomplete=${field.autocomplete ?? 'off'}
            spellcheck="false">
        </label>`)}
      <div class="actions">
        <button type="button" @click=${() => dialog.close('')}>Back</button>
        <button type="submit" class=${danger ? 'danger' : 'primary'}>${action}</button>
      </div>
    </form>`, dialog);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const sent = dialog.returnValue === 'send';
      resolve(sent ? Object.fromEntries(new FormData(dialog.querySelector('form'))) : null);
      dialog.remove();
    });
  });
}

export const confirm = async (question) => (await ask(question)) !== null;

let asking = null;

/** Asks for the token; one question at a time, whoever asks. */
export function askToken(again) {
  asking ??= ask({
    title: 'Token',
    text: again
      ? 'The coordinator did not accept this token.'
      : 'This coordinator answers only with its token (TANDEM_TOKEN). It is kept until this tab is closed.',
    fields: [{name: 'token', label: 'Token', type: 'password', autocomplete: 'current-password'}],
    action: 'Continue',
  }).then((values) => {
    asking = null;
    return values?.token.trim() ?? null;
  });
  return asking;
}

/** Asks on which mesh a paused job goes on. */
export const askMesh = (mesh) => ask({
  title: 'Resume',
  text: 'The job goes on from its last checkpoint, on this mesh or on another one.',
  fields: [
    {name: 'replicas', label: 'Replicas', type: 'number', value: mesh.replicas, min: 1, max: 1024},
    {name: 'shards', label: 'Shards', type: 'number', value: mesh.shards, min: 1, max: 1024},
  ],
  action: 'Resume',
});
