import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="phone",
            field=models.CharField(
                blank=True,
                default="",
                help_text="With its country, as +4915112345678. Gets an SMS while on call, where SMS is switched on.",
                max_length=16,
                validators=[
                    django.core.validators.RegexValidator(
                        "^\\+[1-9][0-9]{6,14}\\Z", "Write it with its country, as +4915112345678."
                    )
                ],
                verbose_name="mobile number",
            ),
            preserve_default=False,
        ),
    ]
